"""Streams of words, and how a keyword spotter does on them: what it finds, misses and makes up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from edgernn.events import EventDetector
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
        options: how they were made.
    """

    samples: Tensor
    words: list[list[tuple[int, int, int]]]
    options: WindowOptions

    @property
    def hours(self) -> float:
        """Their length together."""
        return self.samples.numel() / self.options.sample_rate / 3600


def make_streams(
    words: Sequence[Tensor], classes: Sequence[int], options: WindowOptions, minutes: int, seed: int
) -> Streams:
    """Streams of a minute of words in random order, with pauses up to 2 s, mixed with backgrounds."""
    windows = WordWindows(words, classes, replace(options, seconds=_SECONDS, gap=2.0))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        drawn = [windows.draw(int(torch.randint(len(words), ()))) for _ in range(minutes)]
    return Streams(
        torch.stack([window.samples for window in drawn]), [window.words for window in drawn], options
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
def stream_scores(model: nn.Module, streams: Streams) -> Tensor:
    """(streams, frames, classes): what a `KeywordSpotter`, or a file of one, gives."""
    return torch.cat([model(rows) for rows in streams.samples.split(8)])


def count_found(scores: Tensor, streams: Streams, threshold: float = 0.0) -> Found:
    """Compare events with what was said.

    Args:
        scores: of `stream_scores`.
        streams: what was said.
        threshold: score from which on a word is named.
    """
    options = streams.options
    silence = scores.shape[2] - 1
    unknown = silence if options.unknown is None else options.unknown
    largest, classes = scores[..., :-1].max(-1)
    named = torch.where((largest >= threshold) & (classes != unknown), classes, silence)
    said = right = false = 0
    for row, words in enumerate(streams.words):
        detector = EventDetector(silence, round(WAIT * options.sample_rate / options.hop))
        waiting = [word for word in words if word[2] != unknown]
        said += len(waiting)
        for event in detector.push(named[row].numpy(), scores[row].numpy()):
            time = event.frame * options.hop + options.frame
            match = next((word for word in waiting if _named(word, event.label, time, options)), None)
            if match is None:
                false += 1
            else:
                waiting.remove(match)
                right += 1
    return Found(said, right, false)


def choose_threshold(scores: Tensor, streams: Streams, per_hour: float) -> float:
    """The lowest threshold with at most `per_hour` false alarms in streams where no keyword is said."""
    for threshold in _THRESHOLDS.tolist():
        if count_found(scores, streams, threshold).false <= per_hour * streams.hours:
            return float(threshold)
    return float(_THRESHOLDS[-1])


def _named(word: tuple[int, int, int], label: int, time: int, options: WindowOptions) -> bool:
    start, end, cls = word
    return cls == label and start <= time <= end + LATE * options.sample_rate
