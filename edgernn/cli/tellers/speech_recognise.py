"""What a recogniser wrote down: as much as is certain while it listens, and all of it at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgernn.cli.arrays import Array
from edgernn.ctc import CTCDecoder
from edgernn.errors import ModelError

if TYPE_CHECKING:
    from edgernn.runtime import Session


class Teller:
    """The text of a CTC network's output; its vocabulary begins with the blank.

    Attributes:
        decoder: what reads it; another one may take its place before the first outputs come.

    Args:
        session: a model of the task.
        hop: seconds from one step to the next.

    Raises:
        ModelError: where it has no vocabulary, or more outputs than one.
    """

    def __init__(self, session: Session, hop: float) -> None:
        vocabulary = session.manifest.vocabulary
        if len(session.outputs) != 1 or len(vocabulary) < 2:
            raise ModelError(
                f"model: its task is {session.manifest.task}, but it has {len(session.outputs)} outputs and "
                f"a vocabulary of {len(vocabulary)}; expected one output of log-probabilities. Export "
                "it again."
            )
        self.decoder, self._seconds = CTCDecoder(vocabulary), hop
        self._steps, self._certain = 0, ""

    def push(self, outputs: dict[str, Array]) -> list[dict[str, Any]]:
        """What is certain by now, where it grew."""
        (log_probabilities,) = (array[0] for array in outputs.values())
        self._steps += len(log_probabilities)
        certain = self.decoder.push(log_probabilities)
        if certain == self._certain:
            return []
        self._certain = certain
        return [{"time": round(self._steps * self._seconds, 3), "partial": certain}]

    def finish(self) -> list[dict[str, Any]]:
        """The whole text, where there is any."""
        text, self._certain = self.decoder.finish(), ""
        return [{"text": text}] if text else []

    def line(self, said: dict[str, Any]) -> str:
        """The text, or what there is of it."""
        return str(said["text"]) if "text" in said else f"{said['time']:8.2f} s  {said['partial']} …"

    def whole(self, said: list[dict[str, Any]]) -> tuple[dict[str, Any], list[str]]:
        """The text."""
        text = next((str(item["text"]) for item in said if "text" in item), "")
        return {"text": text}, [text or "Nothing was understood."]
