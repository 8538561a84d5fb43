"""What a keyword spotter found: when, which word, how sure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgernn.cli.arrays import Array
from edgernn.errors import ModelError
from edgernn.events import EventDetector

if TYPE_CHECKING:
    from edgernn.runtime import Session

# Seconds in which the same word is not found again.
_WAIT = 0.5


class Teller:
    """The words that a spotter's scores name; its last label is that of silence.

    Args:
        session: a model of the task.
        hop: seconds from one frame to the next.

    Raises:
        ModelError: where its outputs or labels are not a spotter's.
    """

    def __init__(self, session: Session, hop: float) -> None:
        manifest = session.manifest
        if len(session.outputs) != 1 or len(manifest.labels) < 2 or not manifest.sample_rate:
            raise ModelError(
                f"model: its task is {manifest.task}, but it has {len(session.outputs)} outputs, "
                f"{len(manifest.labels)} labels and the sample rate {manifest.sample_rate}; expected one "
                "output of scores. Export it again."
            )
        self.labels = manifest.labels
        self._seconds, self._late = hop, manifest.lookahead_steps / manifest.sample_rate
        self._detector = EventDetector(len(self.labels) - 1, round(_WAIT / hop))

    def push(self, outputs: dict[str, Array]) -> list[dict[str, Any]]:
        """The words that begin within a chunk: time in seconds, and how far above the threshold."""
        (scores,) = (array[0] for array in outputs.values())
        return [
            {
                "time": round((event.frame + 1) * self._seconds + self._late, 3),
                "word": self.labels[event.label],
                "score": round(event.score, 4),
            }
            for event in self._detector.push(scores.argmax(-1), scores)
        ]

    def finish(self) -> list[dict[str, Any]]:
        """Nothing more."""
        return []

    def line(self, said: dict[str, Any]) -> str:
        """Time, word and score."""
        return f"{said['time']:8.2f} s  {said['word']}  {said['score']:+.2f}"

    def whole(self, said: list[dict[str, Any]]) -> tuple[dict[str, Any], list[str]]:
        """All words."""
        return {"events": said}, [self.line(item) for item in said] or ["No word was found."]
