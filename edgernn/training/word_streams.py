"""Streams of words, and how a keyword spotter does on them: what it finds, misses and makes up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from edgernn.events import EventDetector
from edgernn.models import KeywordSpotter
from edgernn.training.word_windows import WindowOptions, WordWindows

# A stream of so many seconds is one row of a batch.
_SECONDS = 60.0
# Seconds after the end of a word in which it may be named.
LATE = 0.5
# Seconds in which the same word is not found again.
WAIT = 0.5
_THRESHOLDS = torch.linspace(0.3, 0.98, 35)


@dataclass(frozen=True, eq=False)
class Streams:
    """Streams of one length.

    Attributes:
        samples: (streams, samples).
        words: of each stream: (first sample, end, class) of each word in order.
        sample_rate: samples a second.
    """

    samples: Tensor
    words: list[list[tuple[int, int, int]]]
    sample_rate: float

    @property
    def hours(self) -> float:
        """Their length together."""
        return self.samples.numel() / self.sample_rate / 3600


def make_streams(
    words: Sequence[Tensor], classes: Sequence[int], options: WindowOptions, minutes: int, seed: int
) -> Streams:
    """Streams of a minute of words in random order, with pauses up to 2 s, mixed with backgrounds."""
    windows = WordWindows(words, classes, replace(options, seconds=_SECONDS, gap=2.0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        drawn = [windows.draw(int(torch.randint(len(words), ()))) for _ in range(minutes)]
    return Streams(
        torch.stack([window.samples for window in drawn]), [window.words for window in drawn], options.sample_rate
    )


@dataclass(frozen=True)
class Found:
    """What a spotter found in streams.

    Attributes:
        said: words that were said, of those it knows.
        right: of these, those that were found.
        false: events where no such word was said.
    """

    said: int
    right: int
    false: int


@torch.no_grad()
def stream_probabilities(model: KeywordSpotter, streams: Streams) -> Tensor:
    """Smoothed probabilities (streams, frames, classes)."""
    return torch.cat([model.probabilities(rows) for rows in streams.samples.split(8)])


def count_found(
    probabilities: Tensor, streams: Streams, threshold: float, front: tuple[int, int], keywords: int
) -> Found:
    """Compare the events of a threshold with what was said.

    Args:
        probabilities: of `stream_probabilities`.
        streams: what was said.
        threshold: probability from which on a word is named.
        front: samples of a frame, and from one to the next.
        keywords: classes below it are words that are known; the last class is silence.
    """
    frame, hop = front
    silence = probabilities.shape[2] - 1
    largest, classes = probabilities.max(-1)
    named = torch.where((largest >= threshold) & (classes < keywords), classes, silence)
    said = right = false = 0
    late = LATE * streams.sample_rate
    for row, words in enumerate(streams.words):
        detector = EventDetector(silence, round(WAIT * streams.sample_rate / hop))
        waiting = [word for word in words if word[2] < keywords]
        said += len(waiting)
        for event in detector.push(named[row].numpy(), probabilities[row].numpy()):
            time = event.frame * hop + frame
            match = next(
                (w for w in waiting if w[2] == event.label and w[0] <= time <= w[1] + late), None
            )
            if match is None:
                false += 1
            else:
                waiting.remove(match)
                right += 1
    return Found(said, right, false)


def choose_threshold(
    probabilities: Tensor, streams: Streams, front: tuple[int, int], keywords: int, per_hour: float
) -> float:
    """The lowest threshold with at most `per_hour` false alarms in streams where no keyword is said."""
    for threshold in _THRESHOLDS.tolist():
        found = count_found(probabilities, streams, threshold, front, keywords)
        if found.false <= per_hour * streams.hours:
            return float(threshold)
    return float(_THRESHOLDS[-1])
