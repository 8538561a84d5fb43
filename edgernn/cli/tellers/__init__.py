"""What a model's outputs mean to people, by its task: one file each, found by its file name.

Such a file has a class `Teller`. It is made from the session and the seconds from one output step to the
next, is given outputs as they come (`push`), and told when there are no more (`finish`); both give what there
is to say, as objects for JSON, of which `line` makes text. `whole` sums up what was said of a whole input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from edgernn.cli.arrays import Array
from edgernn.cli.by_task import module_for

if TYPE_CHECKING:
    from edgernn.runtime import Session


class Teller(Protocol):
    """See the module."""

    def __init__(self, session: Session, hop: float) -> None: ...

    def push(self, outputs: dict[str, Array]) -> list[dict[str, Any]]:
        """What a chunk's outputs say, one batch row."""
        ...

    def finish(self) -> list[dict[str, Any]]:
        """What remains to be said at the end."""
        ...

    def line(self, said: dict[str, Any]) -> str:
        """It for people."""
        ...

    def whole(self, said: list[dict[str, Any]]) -> tuple[dict[str, Any], list[str]]:
        """All that was said of one input, for JSON and as lines."""
        ...


def find_teller(task: str) -> type[Teller] | None:
    """The teller of a task; None where there is none."""
    module = module_for(__name__, task)
    found: type[Teller] | None = None if module is None else module.Teller
    return found


def hop_seconds(session: Session, samples: int = 0, steps: int = 0) -> float:
    """Seconds from one step of a model's first output to the next.

    A sequence file does not say it; it is near what the samples and steps of a whole recording give.
    """
    rate = session.manifest.sample_rate or 1.0
    if session.manifest.streaming:
        return session.outputs[0].hop / rate
    return samples / max(1, steps) / rate
