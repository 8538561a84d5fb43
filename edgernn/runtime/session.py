"""Loading a self-describing ONNX file and running it on whole arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from edgernn.errors import InputError, ModelError
from edgernn.files import existing_file, file_digest
from edgernn.manifest import METADATA_KEY, Manifest, TensorSpec
from edgernn.runtime.agreement import check_agreement
from edgernn.runtime.arrays import (
    Array,
    check_finite,
    check_shape,
    check_steps,
    in_order,
    initial_state,
    state_tensor,
    to_array,
)
from edgernn.runtime.engine import Engine, start
from edgernn.runtime.metadata import read_header
from edgernn.runtime.takeover import AUTO

if TYPE_CHECKING:
    from edgernn.runtime.pool import StreamPool
    from edgernn.runtime.stream import Stream

NanPolicy = Literal["allow", "refuse"]


def load(
    path: str | os.PathLike[str],
    *,
    provider: str | Sequence[str] = "cpu",
    threads: int = 1,
    nan: NanPolicy = "allow",
    memory_arena: bool | None = None,
    provider_options: Mapping[str, str] | None = None,
    kernels: str | os.PathLike[str] = AUTO,
) -> Session:
    """Load an ONNX file that edgernn wrote.

    Args:
        path: the file.
        provider: where it runs: "cpu", "cuda" and so on. A list of names, or "auto", asks for fallback:
            the first that works is taken, and `Session.fallbacks` says what was passed over and why.
        threads: threads inside an operator. One is fastest for small networks.
        nan: "refuse" checks every input for NaN and infinity, which costs a pass over the input. With
            "allow" they go in unseen, and onnxruntime's LSTM and GRU make ordinary, wrong numbers of them: no
            NaN comes out to tell. Allow them only where the signal is clean.
        memory_arena: whether onnxruntime keeps the memory of a call for the next one. None does what is
            faster as a rule: not for streaming files, whose calls need little. `edgernn tune` tries both.
        provider_options: onnxruntime's options of the provider, over edgernn's own.
        kernels: "auto": edgernn's own kernels run what they can, where their library is at hand (see
            `edgernn.kernels`) and the provider is the CPU; "off"; or the path of a library. `Session.kernels`
            says what came of it.

    Raises:
        InputError: no file stands at `path`, or an argument is wrong.
        ModelError: the file is corrupt, was not written by edgernn, or its manifest and graph disagree.
        ProviderError: the provider is unknown, missing, or did not start.
        KernelError: the library of kernels that was named cannot be used.
    """
    if nan not in get_args(NanPolicy):
        raise InputError(f"nan: expected 'allow' or 'refuse', found {nan!r}.")
    file = existing_file(path, "model")
    header = read_header(file)
    text = header.metadata.get(METADATA_KEY)
    if text is None:
        raise ModelError(
            f"{str(file)!r} has no edgernn manifest: it was not written by edgernn. Export the torch model "
            "with `edgernn export` to get one; a plain ONNX file runs with onnxruntime itself."
        )
    manifest = Manifest.from_json(text)
    engine = start(
        file,
        provider,
        memory_arena=not manifest.streaming if memory_arena is None else memory_arena,
        threads=threads,
        provider_options=provider_options or {},
        kernels=kernels,
        functions=header.functions,
    )
    check_agreement(manifest, engine.session.get_inputs(), engine.session.get_outputs())
    return Session(file, manifest, engine, file_digest(file), nan)


class Session:
    """A loaded model. Safe to use from several threads; make one with `edgernn.load`.

    Attributes:
        path: the file.
        manifest: what the file says of itself.
        inputs, outputs: the tensors that `run` takes and gives, states apart.
        provider: the execution provider that runs it.
        fallbacks: (provider, reason) for each provider that was asked for and passed over.
        kernels: which of the file's functions edgernn's kernels run, or why they run none.
        digest: sha256 of the file.
        nan: "allow" or "refuse", see `load`.
    """

    def __init__(self, path: Path, manifest: Manifest, engine: Engine, digest: str, nan: NanPolicy) -> None:
        self.path = path
        self.manifest = manifest
        self.inputs: tuple[TensorSpec, ...] = manifest.inputs
        self.outputs: tuple[TensorSpec, ...] = manifest.outputs
        self.provider = engine.provider
        self.fallbacks = engine.fallbacks
        self.kernels = engine.kernels
        self.digest = digest
        self.nan = nan
        self.engine = engine
        self._run = engine.inner.run
        self._fetches = [spec.name for spec in manifest.outputs] + [item.output for item in manifest.states]

    def run(
        self, *inputs: object, states: Mapping[str, object] | None = None, **named: object
    ) -> Array | dict[str, Array]:
        """Run the model on whole arrays, (batch, time, feature) where the manifest says no other.

        Args:
            inputs: the inputs in the manifest's order: arrays, nested lists, numbers. Floats are cast to the
                declared float dtype, integers to the declared integer dtype where they fit.
            states: of a streaming model: the states to start from, by input name; all or none. Without
                it, the initial ones.
            named: inputs by name.

        Returns:
            The output's array, or a dict by name where the model has several.

        Raises:
            InputError: an input is missing, has a wrong dtype or shape, is empty, or holds NaN where the
                model was loaded with nan="refuse".
        """
        return self._outputs_of(self._results(inputs, states, named))

    def run_with_states(
        self, *inputs: object, states: Mapping[str, object] | None = None, **named: object
    ) -> tuple[Array | dict[str, Array], dict[str, Array]]:
        """`run`, and the states after the last step, by input name: what `states=` takes to go on."""
        results = self._results(inputs, states, named)
        after = results[len(self.outputs) :]
        names = [state.input for state in self.manifest.states]
        return self._outputs_of(results), dict(zip(names, after, strict=True))

    def stream(self, batch: int = 1) -> Stream:
        """A new stream of `batch` rows that keeps the states between pushes; see `Stream`."""
        from edgernn.runtime.stream import Stream

        return Stream(self, batch)

    def pool(self, capacity: int) -> StreamPool:
        """A new pool of up to `capacity` streams that share batched calls; see `StreamPool`."""
        from edgernn.runtime.pool import StreamPool

        return StreamPool(self, capacity)

    def __repr__(self) -> str:
        form = "streaming" if self.manifest.streaming else "sequence"
        inputs = ", ".join(f"{spec.name}{list(spec.dims)}" for spec in self.inputs)
        outputs = ", ".join(f"{spec.name}{list(spec.dims)}" for spec in self.outputs)
        return f"Session({str(self.path)!r}, {form}, {self.provider}, {inputs} -> {outputs})"

    def _results(
        self, inputs: tuple[object, ...], states: Mapping[str, object] | None, named: dict[str, object]
    ) -> list[Array]:
        """The graph's outputs, then its states' new values."""
        sizes: dict[str, int] = {}
        feed: dict[str, Array] = {}
        for spec, value in zip(self.inputs, in_order(self.inputs, inputs, named), strict=True):
            feed[spec.name] = self._checked(value, spec, sizes)
        if self.manifest.streaming:
            check_steps(self.manifest, [array.shape for array in feed.values()])
        feed |= self._starting_states(states, sizes)
        try:
            results: list[Array] = self._run(self._fetches, feed, self.engine.run_options)
        except Exception as error:
            raise run_error(self, error) from error
        return results

    def _outputs_of(self, results: list[Array]) -> Array | dict[str, Array]:
        if len(self.outputs) == 1:
            return results[0]
        return dict(zip(self._fetches, results[: len(self.outputs)], strict=False))

    def _checked(self, value: object, spec: TensorSpec, sizes: dict[str, int]) -> Array:
        array = to_array(value, spec)
        check_shape(array.shape, spec, sizes)
        if self.nan == "refuse":
            check_finite(array, spec)
        return array

    def _starting_states(
        self, states: Mapping[str, object] | None, sizes: dict[str, int]
    ) -> dict[str, Array]:
        if states is None:
            return {state.input: initial_state(state, sizes) for state in self.manifest.states}
        specs = {state.input: state_tensor(state) for state in self.manifest.states}
        if set(states) != set(specs):
            wrong = sorted(set(states) ^ set(specs))[0]
            problem = "is missing" if wrong in specs else "is unknown"
            raise InputError(
                f"states: {wrong!r} {problem}. The model's states are: {', '.join(specs) or 'none'}."
            )
        return {name: self._checked(states[name], spec, sizes) for name, spec in specs.items()}


def run_error(session: Session, error: Exception) -> ModelError:
    """What to raise where onnxruntime fails on inputs that fit the manifest."""
    return ModelError(f"{str(session.path)!r} failed on {session.provider}: {str(error).strip()}")
