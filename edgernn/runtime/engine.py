"""Starting onnxruntime on a file with a provider, with no silent fallback."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime

from edgernn.errors import EdgeRNNError, InputError, ModelError, ProviderError
from edgernn.runtime import providers
from edgernn.runtime.takeover import AUTO, KernelUse, register, settle

# onnxruntime prints what it raises, too; only the raised message should be seen.
_LOG_FATAL_ONLY = 4

# Names of onnxruntime's exceptions that speak of the file, whatever the provider.
_FILE_FAULTS = {"InvalidProtobuf", "InvalidGraph", "NoModel", "NoSuchFile"}


@dataclass(frozen=True)
class Engine:
    """A running onnxruntime session and how it came about.

    Attributes:
        session: onnxruntime's session.
        provider: edgernn's name of the provider that runs it.
        fallbacks: (provider, reason) for each that was asked for and passed over.
        host_memory: whether the provider works on ordinary memory.
        run_options: options for every call; making them once saves a microsecond a call.
        kernels: whether edgernn's kernels take part.
    """

    session: onnxruntime.InferenceSession
    provider: str
    fallbacks: tuple[tuple[str, str], ...]
    host_memory: bool
    run_options: onnxruntime.RunOptions
    kernels: KernelUse

    @property
    def inner(self) -> Any:
        """onnxruntime's own object under its Python class; the class itself where it is out of reach.

        Its `run` and `run_with_iobinding` are the same calls without the class's checks of names and of
        other providers' features: two microseconds, on names that were checked at load.
        """
        return getattr(self.session, "_sess", self.session)


def start(
    path: Path,
    provider: str | Sequence[str],
    *,
    memory_arena: bool,
    threads: int,
    provider_options: Mapping[str, str],
    kernels: str | os.PathLike[str] = AUTO,
    functions: Sequence[tuple[str, str]] = (),
) -> Engine:
    """Load `path` with `provider`: a name, "auto", or a list of names of which the first that works is taken.

    `memory_arena` is for few large calls rather than many small ones; `functions` are the file's, which
    `kernels` may take over.

    Raises ProviderError where no provider works, ModelError where the file is no ONNX model, InputError or
    KernelError where the kernels that are asked for cannot be used.
    """
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise InputError(f"threads: expected a whole number from 1, found {threads!r}.")
    request = _Request(path, memory_arena, threads, kernels, functions)
    if provider == "auto":
        names: Sequence[str] = providers.by_preference()
    elif isinstance(provider, str):
        return _start_one(request, provider, provider_options, ())
    else:
        names = tuple(provider)
    if not names:
        raise InputError("provider: the list is empty. Name at least one, for example 'cpu'.")
    if provider_options:
        raise InputError(
            "provider_options: they belong to one provider; give one name, not a list or 'auto'."
        )
    for name in names:
        providers.get(name)  # a typo in a list is an error, no reason to fall back
    passed_over: list[tuple[str, str]] = []
    for name in names:
        try:
            return _start_one(request, name, {}, tuple(passed_over))
        except ProviderError as error:  # noqa: PERF203 - a handful of providers
            passed_over.append((name, str(error)))
    reasons = " ".join(reason for _, reason in passed_over)
    raise ProviderError(f"none of the providers {', '.join(names)} works. {reasons}")


@dataclass(frozen=True)
class _Request:
    """The arguments of `start` that do not depend on the provider."""

    path: Path
    memory_arena: bool
    threads: int
    kernels: str | os.PathLike[str]
    functions: Sequence[tuple[str, str]]


def _start_one(
    request: _Request,
    name: str,
    provider_options: Mapping[str, str],
    passed_over: tuple[tuple[str, str], ...],
) -> Engine:
    provider = providers.get(name)
    wanted = provider.ONNXRUNTIME_NAME
    if wanted not in onnxruntime.get_available_providers():
        raise ProviderError(
            f"provider {name!r} is not in this onnxruntime {onnxruntime.__version__}, which has: "
            f"{', '.join(providers.present())}. To get it: {provider.INSTALL}."
        )
    options = {**provider.options(request.threads), **provider_options}
    use = settle(request.kernels, request.functions, name)
    try:
        session = _session(request, use, wanted, options)
    except EdgeRNNError:
        raise
    except Exception as error:
        if not use.functions or request.kernels != AUTO:
            raise _start_error(error, request.path, name) from error
        # Nobody asked for the kernels; that they are not used stands in the session.
        use = use.without(f"onnxruntime does not take them: {str(error).strip()}")
        try:
            session = _session(request, use, wanted, options)
        except Exception as other:
            raise _start_error(other, request.path, name) from other
    if session.get_providers()[0] != wanted:
        raise ProviderError(
            f"provider {name!r} did not start; onnxruntime took {session.get_providers()[0]} instead. "
            f"Check its libraries: {provider.INSTALL}."
        )
    run_options = onnxruntime.RunOptions()
    run_options.log_severity_level = _LOG_FATAL_ONLY
    return Engine(session, name, passed_over, provider.HOST_MEMORY, run_options, use)


def _session(
    request: _Request, use: KernelUse, provider: str, provider_options: Mapping[str, str]
) -> onnxruntime.InferenceSession:
    options = _session_options(request.memory_arena, request.threads)
    if use.functions:
        register(options, use, request.threads)
    # enable_fallback=0: otherwise onnxruntime prints a line and takes the CPU.
    return onnxruntime.InferenceSession(
        str(request.path), options, providers=[(provider, dict(provider_options))], enable_fallback=0
    )


def _session_options(memory_arena: bool, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # A step takes microseconds: threads that spin between steps only heat the device.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # onnxruntime's arena is slower than malloc for the few kilobytes of a step (up to 9 % of a call) and
    # faster for the megabytes of a whole sequence.
    options.enable_cpu_mem_arena = memory_arena
    options.log_severity_level = _LOG_FATAL_ONLY
    return options


def _start_error(error: Exception, path: Path, name: str) -> EdgeRNNError:
    reason = str(error).strip().rstrip(".")
    if name == "cpu" or type(error).__name__ in _FILE_FAULTS:
        return ModelError(
            f"{str(path)!r} is not a model that onnxruntime {onnxruntime.__version__} can run: {reason}. "
            "Check that the file is whole, or export the model again."
        )
    return ProviderError(f"provider {name!r} cannot run {str(path)!r}: {reason}.")
