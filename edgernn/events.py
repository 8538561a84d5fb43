"""Events in a stream: from class numbers, frame by frame, to "this word, at that time"."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError


@dataclass(frozen=True)
class Event:
    """Something that was found in a stream.

    Attributes:
        label: its class, by index.
        frame: the frame, from the start of the stream, at which it was found.
        score: the largest score of the class until the event ended, or the chunk did.
    """

    label: int
    frame: int
    score: float


class EventDetector:
    """Frames of one class after another are one event; after an event, the same class waits.

    Args:
        background: the class that stands for "nothing", by index.
        wait: frames after an event's last in which the same class is no new event, so that a word is not
            found twice where its probability dips.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> detector = EventDetector(background=2, wait=1)
        >>> [event.frame for event in detector.push([2, 0, 0, 2, 0, 2, 2, 0], [[0.9, 0.0, 0.1]] * 8)]
        [1, 7]
    """

    def __init__(self, background: int, wait: int = 0) -> None:
        for name, value in (("background", background), ("wait", wait)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise InputError(f"EventDetector: {name} must be an integer ≥ 0, found {value!r}.")
        self.background, self.wait = background, wait
        self.reset()

    def reset(self) -> None:
        """Begin a stream."""
        self._frame, self._last, self._last_frame = 0, self.background, -1

    def push(self, labels: npt.ArrayLike, scores: npt.ArrayLike) -> list[Event]:
        """The events that begin within a chunk.

        Args:
            labels: (frames,), the class of each frame, by index.
            scores: (frames, classes).

        Raises:
            InputError: where the shapes do not fit.
        """
        classes, values = np.asarray(labels), np.asarray(scores)
        if classes.ndim != 1 or values.ndim != 2 or len(values) != len(classes):
            raise InputError(
                "push: labels must be (frames,) and scores (frames, classes), found shapes "
                f"{classes.shape} and {values.shape}."
            )
        found: list[Event] = []
        for label, row in zip(classes.tolist(), values, strict=True):
            if label != self.background:
                fresh = label != self._last or self._frame - self._last_frame > self.wait + 1
                if fresh:
                    found.append(Event(label, self._frame, float(row[label])))
                elif found and found[-1].label == label:
                    found[-1] = Event(label, found[-1].frame, max(found[-1].score, float(row[label])))
                self._last, self._last_frame = label, self._frame
            self._frame += 1
        return found
