"""What a keyword spotter found, as lines: when, which word, how sure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgernn.cli.arrays import Array
from edgernn.errors import ModelError
from edgernn.events import EventDetector

if TYPE_CHECKING:
    from edgernn.runtime import Session

TASK = "keyword-spot"

# Seconds in which the same word is not found again.
_WAIT = 0.5


class WordLines:
    """The words that a spotter's outputs name.

    Args:
        session: a model of the task; its last label is that of silence.
        hop: seconds from one frame to the next.

    Raises:
        ModelError: where its outputs or labels are not a spotter's.
    """

    def __init__(self, session: Session, hop: float) -> None:
        manifest = session.manifest
        names = [spec.name for spec in session.outputs]
        if len(names) != 1 or len(manifest.labels) < 2 or not manifest.sample_rate:
            raise ModelError(
                f"model: its task is {TASK}, but it has the outputs {', '.join(names)}, "
                f"{len(manifest.labels)} labels and the sample rate {manifest.sample_rate}; expected one "
                "output of scores. Export it again."
            )
        self.labels = manifest.labels
        self._seconds = hop
        self._late = manifest.lookahead_steps / manifest.sample_rate
        self._detector = EventDetector(len(self.labels) - 1, round(_WAIT / self._seconds))

    def found(self, outputs: dict[str, Array]) -> list[dict[str, Any]]:
        """The words that begin within a chunk's outputs: their time in seconds, and score.

        The score is how far the word's probability is above the threshold.
        """
        (scores,) = (array[0] for array in outputs.values())
        events = self._detector.push(scores.argmax(-1), scores)
        return [
            {
                "time": round((event.frame + 1) * self._seconds + self._late, 3),
                "word": self.labels[event.label],
                "score": round(event.score, 4),
            }
            for event in events
        ]


def hop_seconds(session: Session, samples: int = 0, frames: int = 0) -> float:
    """Seconds from one frame of a spotter's output to the next.

    A sequence file does not say it; it is near what the samples and frames of a whole recording give.
    """
    rate = session.manifest.sample_rate or 1.0
    if session.manifest.streaming:
        return session.outputs[0].hop / rate
    return samples / max(1, frames) / rate


def names_words(session: Session) -> bool:
    """Whether the model's outputs are to be told as words."""
    return session.manifest.task == TASK


def text_line(event: dict[str, Any]) -> str:
    """An event for people."""
    return f"{event['time']:8.2f} s  {event['word']}  {event['score']:+.2f}"
