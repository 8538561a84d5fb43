"""Speech with noise that is known apart from it: what a denoiser learns from, and what it is scored on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from edgernn.errors import InputError
from edgernn.training.noise_kinds import KINDS, filtered, level, uniform
from edgernn.training.noises import mix, stretch
from edgernn.training.sounds import Sound
from edgernn.training.utterances import JoinedWords

# Kinds that are made of voices: people who talk at once, and the same backwards, which nobody understands.
BABBLE, MURMUR = "babble", "murmur"
# How many of them.
_VOICES = (5, 10)


@dataclass(frozen=True)
class Mixture:
    """One noisy recording.

    Attributes:
        noisy, clean: (samples,).
        noise: the kind of noise.
        decibels: power of the speech over that of the noise, over the whole recording.
    """

    noisy: Tensor
    clean: Tensor
    noise: str
    decibels: float


class Noises:
    """Noises by kind: generated ones, recorded ones, and many voices at once.

    Random numbers come from torch's global generator.

    Args:
        kinds: which ones; of `KINDS`, of `recorded`, "babble" or "murmur".
        sample_rate: samples a second.
        recorded: recordings, each (samples,), by kind.
        voices: recordings of speech that babble and murmur are made of.

    Raises:
        InputError: an unknown kind, or none.
    """

    def __init__(
        self,
        kinds: Sequence[str],
        sample_rate: float,
        recorded: Mapping[str, Sequence[Tensor]],
        voices: Sequence[Tensor],
    ) -> None:
        known = known_kinds(recorded)
        for name in kinds:
            if name not in known:
                raise InputError(f"noise: there is no kind {name!r}; there are {', '.join(known)}.")
        if not kinds:
            raise InputError(f"noise: name at least one kind of {', '.join(known)}.")
        self.kinds, self.sample_rate = tuple(kinds), sample_rate
        self.recorded, self.voices = recorded, voices

    def draw(self, kind: str, samples: int) -> Tensor:
        """(samples,) of that kind, of standard deviation 1."""
        if kind in self.recorded:
            return level(stretch(self.recorded[kind], samples))
        if kind in (BABBLE, MURMUR):
            count = int(torch.randint(_VOICES[0], _VOICES[1] + 1, ()))
            talk = [_talk(self.voices, samples) * uniform(0.4, 1.0) for _ in range(count)]
            together = level(torch.stack(talk).sum(0))
            return together if kind == BABBLE else together.flip(0)
        return level(KINDS[kind](samples, self.sample_rate))

    def drawn_once(self, count: int, seconds: float, seed: int) -> Noises:
        """The same kinds, of which those that are made are `count` noises each, drawn here from a seed.

        To take a stretch of one costs a fraction of making it.
        """
        samples = round(seconds * self.sample_rate)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = {
                kind: self.recorded.get(kind) or [self.draw(kind, samples) for _ in range(count)]
                for kind in self.kinds
            }
        return Noises(self.kinds, self.sample_rate, made, self.voices)

    def any(self, samples: int) -> Tensor:
        """Noise of a random kind; now and then of two at once."""
        noise = self.draw(self._kind(), samples)
        if uniform(0, 1) < 0.3:
            noise = noise + uniform(0.2, 1.0) * self.draw(self._kind(), samples)
        return level(noise)

    def _kind(self) -> str:
        return self.kinds[int(torch.randint(len(self.kinds), ()))]


def known_kinds(recorded: Mapping[str, Any]) -> list[str]:
    """Every kind of noise there is, sorted."""
    return sorted({*KINDS, *recorded, BABBLE, MURMUR})


class NoisySpeech(Dataset):
    """Speech to learn from: each sample is (noisy, clean), (samples,) both, and another one each time.

    A sample begins with that recording; others of its speaker follow until the window is full. Speed,
    loudness, noise and how loud that is are drawn anew.

    Args:
        speech: recordings; those of a speaker follow one another.
        noises: what they are mixed with.
        seconds: length of a sample.
        decibels: range of the speech's power over that of the noise.
        speed: largest change of speed, as a share, which changes the voice too.
        colour: most that frequencies are raised or lowered by in decibels, about, as microphones do.
        quietest: most that a sample is turned down by, in decibels.
    """

    def __init__(
        self,
        speech: Sequence[Sound],
        noises: Noises,
        seconds: float,
        decibels: tuple[float, float],
        speed: float = 0.0,
        colour: float = 0.0,
        quietest: float = 20.0,
    ) -> None:
        self.speech, self.noises = speech, noises
        self.samples, self.decibels = round(seconds * noises.sample_rate), decibels
        self.speed, self.colour, self.quietest = speed, colour, quietest
        mean = sum(len(sound.samples) for sound in speech) / len(speech)
        count = round(1.3 * self.samples / (mean + 0.15 * noises.sample_rate)) + 1
        self._joined = JoinedWords(speech, noises.sample_rate, count, count)

    def __len__(self) -> int:
        return len(self.speech)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        clean = self._clean(index)
        decibels = uniform(*self.decibels)
        noisy = mix(clean, self.noises.any(len(clean)), decibels, pauses=True)
        return scaled(noisy, clean, uniform(-self.quietest, 0))

    def _clean(self, index: int) -> Tensor:
        samples = self._joined.draw(index).samples
        if self.speed:
            factor = 1 + self.speed * uniform(-1, 1)
            samples = F.interpolate(samples[None, None], scale_factor=factor, mode="linear")[0, 0]
        spare = max(0, len(samples) - self.samples)
        start = int(torch.randint(spare + 1, ()))
        taken = F.pad(samples[start : start + self.samples], (0, max(0, self.samples - len(samples))))
        return filtered(taken, self.colour * (2 * torch.rand(8) - 1)) if self.colour else taken


class Mixtures(Dataset):
    """Noisy recordings that are the same each time: every kind of noise at every loudness.

    Args:
        speech: recordings; those of a speaker follow one another, 2 to 5 at once.
        noises: each kind of them is mixed with.
        decibels: how much louder the speech is than the noise, one after the other.
        count: noisy recordings of each kind at each loudness.
        seed: of what is drawn.
        longest: seconds of a recording, at most.
    """

    def __init__(
        self,
        speech: Sequence[Sound],
        noises: Noises,
        decibels: Sequence[float],
        count: int,
        seed: int,
        longest: float,
    ) -> None:
        joined = JoinedWords(speech, noises.sample_rate, 2, 5)
        most = round(longest * noises.sample_rate)
        self.mixtures: list[Mixture] = []
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            for kind in noises.kinds:
                for ratio in decibels:
                    for _ in range(count):
                        clean = joined.draw(int(torch.randint(len(speech), ()))).samples[:most]
                        noisy = mix(clean, noises.draw(kind, len(clean)), ratio, pauses=True)
                        noisy, clean = scaled(noisy, clean, uniform(-12, 0))
                        self.mixtures.append(Mixture(noisy, clean, kind, ratio))

    def __len__(self) -> int:
        return len(self.mixtures)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        mixture = self.mixtures[index]
        return mixture.noisy, mixture.clean


def scaled(noisy: Tensor, clean: Tensor, decibels: float) -> tuple[Tensor, Tensor]:
    """Both so loud that the noisy recording's largest sample is so many decibels from 1."""
    gain = 10 ** (decibels / 20) / max(float(noisy.abs().max()), 1e-6)
    return noisy * gain, clean * gain


def _talk(voices: Sequence[Tensor], samples: int) -> Tensor:
    """(samples,) of somebody who talks without a pause, of standard deviation 1."""
    parts: list[Tensor] = []
    while sum(map(len, parts)) < 2 * samples:
        parts.append(level(voices[int(torch.randint(len(voices), ()))]))
    joined = torch.cat(parts)
    start = int(torch.randint(len(joined) - samples + 1, ()))
    return joined[start : start + samples]


def collate_padded(samples: list[Any]) -> tuple[Tensor, Tensor]:
    """(noisy, clean) of several recordings, filled up with silence on the right."""
    noisy, clean = zip(*samples, strict=True)
    return pad_sequence(list(noisy), batch_first=True), pad_sequence(list(clean), batch_first=True)
