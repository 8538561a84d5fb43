"""Which functions of a file edgernn's kernels take over from their portable bodies."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgernn import kernels as library
from edgernn.errors import InputError, KernelError

AUTO, OFF = "auto", library.OFF
_DOMAIN = "edgernn"
# The library reads these entries of a session's configuration, see source/register.cpp; older versions of
# onnxruntime take no longer values.
_FUNCTIONS_ENTRY, _THREADS_ENTRY = "edgernn.functions", "edgernn.threads"
_LONGEST_ENTRY = 900


@dataclass(frozen=True)
class KernelUse:
    """Whether edgernn's kernels run a session.

    Attributes:
        library: the library's file; None where none is at hand, or none is wanted.
        instruction_set: what it computes with, e.g. "avx512_vnni".
        functions: names of the file's functions that it takes over; empty where it does nothing.
        reason: why it does nothing; empty where it does.
    """

    library: Path | None = None
    instruction_set: str | None = None
    functions: tuple[str, ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        """E.g. "GRU_int8, LSTM_int8 with avx512_vnni", or why there are none."""
        return f"{', '.join(self.functions)} with {self.instruction_set}" if self.functions else self.reason

    def without(self, reason: str) -> KernelUse:
        """The same, but the functions run on their bodies."""
        return replace(self, functions=(), reason=reason)


def settle(
    wanted: str | os.PathLike[str], functions: Sequence[tuple[str, str]], provider: str = "cpu"
) -> KernelUse:
    """What to do about kernels.

    Args:
        wanted: "auto", "off", or the path of a library.
        functions: domain and name of each function of the file.
        provider: what the session runs on; the kernels are for the CPU.

    Raises:
        InputError: where there is no such file, or the provider is another.
        KernelError: where the file is no library of kernels, or cannot be used here.
    """
    if wanted == OFF:
        return KernelUse(reason="they are switched off")
    if wanted == AUTO and os.environ.get(library.VARIABLE) == OFF:
        return KernelUse(reason=f"{library.VARIABLE}={OFF} switches them off")
    names = tuple(name for domain, name in functions if domain == _DOMAIN)
    if wanted == AUTO:
        if provider != "cpu":
            return KernelUse(reason=f"they run on the CPU, the file on {provider}")
        if not names:
            return KernelUse(
                reason="the file has no functions; `edgernn export --kernels` writes recurrent layers so"
            )
        found = library.find()
        if found is None:
            return KernelUse(reason="no library is at hand; `edgernn kernels build` makes one")
    else:
        if provider != "cpu":
            raise InputError(
                f"kernels: they run on the CPU, not on {provider!r}. Use kernels='auto' or 'off'."
            )
        found = library.open_library(wanted)
    if found.instruction_set is None:
        raise KernelError(
            f"{library.SET_VARIABLE} is {os.environ.get(library.SET_VARIABLE)!r}; this processor and the "
            f"library {str(found.path)!r} have: {', '.join(found.available)}."
        )
    use = KernelUse(found.path, found.instruction_set, tuple(name for name in names if found.has(name)))
    if wanted == AUTO and not found.pays:
        return use.without("this processor has none of the instructions that they are faster with")
    return use if use.functions else use.without("the library has kernels for none of the file's functions")


def register(options: Any, use: KernelUse, threads: int) -> None:
    """Have the library take over what `use` says, in sessions made with onnxruntime's `options`."""
    for number, names in enumerate(_entries(use.functions)):
        key = _FUNCTIONS_ENTRY if number == 0 else f"{_FUNCTIONS_ENTRY}.{number}"
        options.add_session_config_entry(key, names)
    options.add_session_config_entry(_THREADS_ENTRY, str(threads))
    options.register_custom_ops_library(str(use.library))


def _entries(names: Sequence[str]) -> Iterator[str]:
    """The names, parted by spaces, in pieces that fit an entry."""
    line = ""
    for name in names:
        if line and len(line) + 1 + len(name) > _LONGEST_ENTRY:
            yield line
            line = ""
        line = f"{line} {name}".lstrip()
    yield line
