"""What a text makes, as a file: one module a task, found by its name (speech_generate writes a .wav).

A file of it has a class `Maker`. `edgernn run FILE --prompt TEXT -o OUT` uses it for files and network
folders of the task.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from edgernn.cli.by_task import module_for
from edgernn.errors import InputError
from edgernn.training.typed import read_value

if TYPE_CHECKING:
    from edgernn.runtime import Session
    from edgernn.runtime.network import Network


@dataclass(frozen=True)
class NoOptions:
    """Options of a maker that has none."""


@dataclass(frozen=True)
class Made:
    """What was made.

    Attributes:
        data: what `--json` prints beside path and prompt.
        lines: what people read, e.g. ("1.9 s of speech", "real-time factor 0.11").
    """

    data: dict[str, Any]
    lines: tuple[str, ...] = ()


class Maker(abc.ABC):
    """Makes a file of a text.

    Args:
        network: the loaded file, or the network of a folder.

    Attributes:
        SUFFIXES: kinds of file that it writes, e.g. (".wav",); the first is the one to advise.
        OPTIONS: a dataclass of what `--set NAME=VALUE` may set, each with a default.
    """

    SUFFIXES: ClassVar[tuple[str, ...]]
    OPTIONS: ClassVar[type] = NoOptions

    def __init__(self, network: Session | Network) -> None:
        self.network = network

    @abc.abstractmethod
    def make(self, text: str, output: Path, options: Any, seed: int | None) -> Made:
        """Write `output`, whole or not at all.

        Args:
            text: the prompt.
            output: ends in one of SUFFIXES.
            options: an instance of OPTIONS.
            seed: of what is drawn; None: another one each time.

        Raises:
            InputError: the text or an option is not one that it takes.
        """


def find_maker(task: str) -> type[Maker] | None:
    """The maker for a task; None where there is none."""
    module = module_for(__name__, task)
    found: type[Maker] | None = None if module is None else module.Maker
    return found


def make(
    kind: type[Maker],
    network: Session | Network,
    text: str,
    output: Path | None,
    settings: Mapping[str, Any],
    seed: int | None,
) -> Made:
    """Check what a maker is given, and let it make the file.

    Raises:
        InputError: no or an unknown kind of file, an unknown option, or what the maker refuses.
    """
    allowed = " or ".join(kind.SUFFIXES)
    if output is None:
        raise InputError(f"--output: name the file to write, ending in {allowed}: -o out{kind.SUFFIXES[0]}.")
    if output.suffix.lower() not in kind.SUFFIXES:
        raise InputError(f"--output: {str(output)!r} must end in {allowed}.")
    options = read_options(kind.OPTIONS, settings)
    return kind(network).make(text, output, options, seed)


def read_options(kind: type, settings: Mapping[str, Any]) -> Any:
    """`--set NAME=VALUE` as an instance of a dataclass whose fields have defaults."""
    import dataclasses
    import typing

    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    for name in settings:
        if name not in names:
            known = f"known are {', '.join(names)}" if names else "there are none for this file"
            raise InputError(f"--set: unknown option {name!r}; {known}.")
    return kind(
        **{
            name: read_value(hints[name], value, f"--set {name}", text=True)
            for name, value in settings.items()
        }
    )
