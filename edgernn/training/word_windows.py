"""Windows of a stream with words in it, and what a keyword spotter is to say at each of its frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from edgernn.training.classification import Sequences
from edgernn.training.noises import background, mix

# Frames whose class is not learned: within a word, and a moment after its name was due.
IGNORED = -100

# Seconds: a word is named from shortly before its end on, for some time; then there is a moment of grace.
_BEFORE_END, _AFTER_END, _GRACE = 0.08, 0.28, 0.15
# A word lies where it is louder than this share of its loudest stretch of so many seconds (−35 dB).
_QUIET, _STRETCH = 10 ** (-35 / 20), 0.01


@dataclass(frozen=True)
class WindowOptions:
    """How windows are made.

    Attributes:
        sample_rate: samples a second.
        frame, hop: samples of the front end's frames.
        seconds: length of a window.
        unknown: the class of other words, by index; None: there is none.
        silence: the class of no word.
        unknown_share: share of unknown words among those behind a stream's first one, where there are any.
        reversed_share: share of the words that are played backwards and are then unknown ones.
        gap: longest pause between two words in seconds.
        speed: largest change of speed, as a share.
        noise: range of the speech's power over that of the noise, in decibels.
        clean_share: share of the windows that get no noise.
        backgrounds: recorded ones, each (samples,).
    """

    sample_rate: float
    frame: int
    hop: int
    seconds: float
    unknown: int | None
    silence: int
    unknown_share: float = 0.25
    reversed_share: float = 0.0
    gap: float = 0.5
    speed: float = 0.0
    noise: tuple[float, float] = (0.0, 40.0)
    clean_share: float = 0.2
    backgrounds: Sequence[Tensor] = field(default=(), repr=False)


class WordWindows(Sequences):
    """Words and their classes; a sample is a window that begins with that word, and its frames' classes.

    Random numbers come from torch's global generator: a window is another one each time.
    """

    def __init__(self, words: Sequence[Tensor], classes: Sequence[int], options: WindowOptions) -> None:
        super().__init__(words, classes)
        self.options = options
        self._unknown = [n for n, cls in enumerate(classes) if cls == options.unknown]
        self._spoken = [spoken_part(word, options.sample_rate) for word in words]

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        window = self.draw(index)
        return window.samples, frame_classes(window.words, self.options)

    def draw(self, index: int) -> Window:
        """A window that begins with that word, its background included."""
        placed = self._place(index)
        return Window(_mixed(placed.samples, self.options), placed.words)

    def _place(self, index: int) -> Window:
        options = self.options
        total = round(options.seconds * options.sample_rate)
        after = round((_AFTER_END + _GRACE) * options.sample_rate)
        samples, position = torch.zeros(total), 0
        words: list[tuple[int, int, int]] = []
        while True:
            word, cls = self._spoken[index], self.classes[index]
            if options.unknown is not None and float(torch.rand(())) < options.reversed_share:
                word, cls = word.flip(0), options.unknown
            word = _at_speed(word, options.speed) * _gain()
            position += round(options.gap * options.sample_rate * float(torch.rand(())))
            if position + len(word) + after > total:
                if words:
                    break
                word = word[: total - after]
                position = min(position, total - after - len(word))
            samples[position : position + len(word)] += word
            words.append((position, position + len(word), cls))
            position += len(word)
            index = self._next()
        return Window(samples, words)

    def _next(self) -> int:
        if self._unknown and float(torch.rand(())) < self.options.unknown_share:
            return self._unknown[int(torch.randint(len(self._unknown), ()))]
        return int(torch.randint(len(self), ()))


@dataclass(frozen=True, eq=False)
class Window:
    """Words in a window: its samples, and (first sample, end, class) of each word in order."""

    samples: Tensor
    words: list[tuple[int, int, int]]


class FixedWindows(Sequences):
    """The windows of `WordWindows`, drawn once from a seed."""

    def __init__(self, words: WordWindows, seed: int) -> None:
        super().__init__(words.sequences, words.classes)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._windows = [words[n] for n in range(len(words))]

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        return self._windows[index]


def frame_classes(words: Sequence[tuple[int, int, int]], options: WindowOptions) -> Tensor:
    """The class of each frame of a window, (frames,), by when the frame ends.

    Within a word nothing is asked; from shortly before its end on it is to be named, but no longer than
    until the next word is; then there is silence.
    """
    total, rate = round(options.seconds * options.sample_rate), options.sample_rate
    ends = torch.arange((total - options.frame) // options.hop + 1) * options.hop + options.frame
    classes = torch.full((len(ends),), options.silence)
    for start, end, cls in words:
        first = max(start, end - round(_BEFORE_END * rate))
        last = end + round(_AFTER_END * rate)
        classes[(ends > start) & (ends < last + round(_GRACE * rate))] = IGNORED
        classes[(ends >= first) & (ends < last)] = cls
    return classes


def spoken_part(samples: Tensor, sample_rate: float) -> Tensor:
    """A recording without the quiet before and after the word; all of it where nothing is louder."""
    length = max(1, round(_STRETCH * sample_rate))
    filled = F.pad(samples, (0, -len(samples) % length)).view(-1, length)
    loudness = filled.square().mean(1).sqrt()
    loud = (loudness > _QUIET * loudness.max()).nonzero().flatten()
    if not len(loud):
        return samples
    return samples[int(loud[0]) * length : (int(loud[-1]) + 1) * length]


def _at_speed(word: Tensor, share: float) -> Tensor:
    """Played faster or slower by up to `share`, which shifts the voice's pitch too."""
    if not share:
        return word
    steps = max(2, round(len(word) * (1 + share * float(2 * torch.rand(()) - 1))))
    played: Tensor = F.interpolate(word[None, None], size=steps, mode="linear", align_corners=True)
    return played[0, 0]


def _gain() -> float:
    """From a tenth to the whole: near or far from the microphone."""
    return float(10 ** (-torch.rand(())))


def _mixed(samples: Tensor, options: WindowOptions) -> Tensor:
    if float(torch.rand(())) < options.clean_share:
        return samples
    low, high = options.noise
    noise = background(len(samples), options.backgrounds)
    return mix(samples, noise, low + (high - low) * float(torch.rand(())))
