"""Speech without the noise around it, while it comes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from edgernn.errors import InputError
from edgernn.files import write_table
from edgernn.models import Denoiser
from edgernn.pages import save_figure
from edgernn.sound import write_sound
from edgernn.training.classification import digest
from edgernn.training.metrics.speech import (
    GAIN_COLUMNS,
    Gain,
    gain_scores,
    gain_table,
    si_sdr,
    signal_to_noise,
)
from edgernn.training.noisy_speech import Mixture, Mixtures, NoisySpeech, collate_padded
from edgernn.training.noisy_speech_data import NoisySpeechOptions, read_speech_parts
from edgernn.training.options import option
from edgernn.training.recipe import Metadata, Prepared, Recipe
from edgernn.training.run_page import SOUNDS_FOLDER
from edgernn.training.spectrograms import draw_spectrograms
from edgernn.training.wiener import wiener

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BASELINE = "wiener"
GAINS_FILE, SPECTROGRAMS_PICTURE = "gains.csv", "spectrograms.png"

# What the epoch is chosen by: decibels of speech over noise, and how many recordings, about.
_VALIDATION_DECIBELS, _VALIDATION_MIXTURES = (0.0, 5.0, 10.0), 60


@dataclass(frozen=True)
class Options(NoisySpeechOptions):
    """Options of the denoise recipe."""

    frame_milliseconds: float = option(32.0, "Length of the frames, which is the latency.", above=0)
    overlap: int = option(2, "Frames that a sample is in.", minimum=2)
    cell: str = option("gru", "Recurrent cell: lstm, gru, rnn, or another of edgernn.cells.")
    hidden_size: int = option(128, "Size of a recurrent layer.", minimum=1)
    num_layers: int = option(2, "Recurrent layers on top of each other.", minimum=1)
    dropout: float = option(0.1, "Dropout around and between recurrent layers.", minimum=0, below=1)
    window_seconds: float = option(3.0, "Length of the recordings that are learned from.", above=0)
    loudest_noise: float = option(-5.0, "Decibels of speech over noise in training, at least.")
    softest_noise: float = option(15.0, "Decibels of speech over noise in training, at most.")
    noises_each: int = option(40, "Noises of each kind that is made, to learn from.", minimum=1)
    speed: float = option(0.2, "Largest change of speed in training, as a share.", minimum=0, below=1)
    colour: float = option(
        0.0, "Decibels by which training raises and lowers frequencies of speech, about.", minimum=0
    )
    test_decibels: tuple[float, ...] = option((0.0, 2.5, 5.0), "Decibels of speech over noise to score at.")
    test_mixtures: int = option(10, "Noisy recordings to score, of each noise at each loudness.", minimum=1)
    max_epochs: int = option(9, "Most passes over the training part.", minimum=1)
    patience: int = option(9, "Epochs without a better validation loss before training stops.", minimum=1)
    batch_size: int = option(12, "Recordings a training step.", minimum=1)
    learning_rate: float = option(0.003, "Step size of the optimiser, the schedule's largest.", above=0)
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = option(
        "one-cycle", "How the learning rate changes over training."
    )
    threads: int | None = option(1, "CPU threads that training uses; none: torch's choice.", minimum=1)


@dataclass(frozen=True)
class NoisyData(Prepared):
    """The data sets.

    Attributes:
        sample_rate: samples a second.
    """

    sample_rate: float = 8000.0


class Denoise(Recipe[Options, NoisyData]):
    """Speech from noisy speech."""

    summary = "Take the noise out of speech: waveform in, waveform out, while it comes in."
    options_type = Options
    data_options = ("speaker_pattern", "test_speakers", "validation_speakers", "more_data", "voices")

    def prepare(self, options: Options, data: Path | None) -> NoisyData:
        """Read speech and noise, and hold out speakers and kinds of noise."""
        return self._prepare(options, data, options.sample_rate)

    def prepare_like(
        self, options: Options, data: Path | None, known: Metadata, new_labels: bool = False
    ) -> NoisyData:
        """As `prepare`, at the sample rate of a network that is trained already."""
        return self._prepare(options, data, known.sample_rate)

    def _prepare(self, options: Options, data: Path | None, rate: float | None) -> NoisyData:
        if options.softest_noise < options.loudest_noise:
            raise InputError(
                f"option softest_noise: must be at least loudest_noise ({options.loudest_noise:g} dB of "
                f"speech over noise), found {options.softest_noise:g}."
            )
        if not options.test_decibels:
            raise InputError("option test_decibels: name one loudness or more, e.g. 0,5.")
        parts = read_speech_parts(options, data, rate)
        rate, seed, longest = parts.sample_rate, options.split_seed, 2 * options.window_seconds
        hop = max(1, round(rate * options.frame_milliseconds / 1000 / options.overlap / 2)) * 2
        frame = hop * options.overlap
        train = NoisySpeech(
            parts.train,
            parts.heard.drawn_once(options.noises_each, longest, seed),
            options.window_seconds,
            (options.loudest_noise, options.softest_noise),
            options.speed,
            options.colour,
        )
        each = -(-_VALIDATION_MIXTURES // (len(parts.heard.kinds) * len(_VALIDATION_DECIBELS)))
        validation = Mixtures(parts.validation, parts.heard, _VALIDATION_DECIBELS, each, seed, longest)
        test = Mixtures(
            parts.test, parts.unheard, options.test_decibels, options.test_mixtures, seed + 1, longest
        )
        return NoisyData(
            train=train,
            validation=validation,
            test=test,
            arguments={
                "frame": frame,
                "hop": hop,
                "hidden_size": options.hidden_size,
                "cell": options.cell,
                "num_layers": options.num_layers,
                "dropout": options.dropout,
            },
            metadata=Metadata(task="denoise", sample_rate=rate, outputs=("speech",)),
            source=parts.source,
            fingerprint=digest(
                rate,
                frame,
                *(m.noisy for part in (validation, test) for m in part.mixtures),
                *(sound.samples for sound in parts.train),
            ),
            example=(_example(test, hop),),
            sample_rate=rate,
        )

    def build(self, arguments: dict[str, Any]) -> Denoiser:
        """The network: Fourier frames, recurrent layers, a complex mask, overlap-add."""
        return Denoiser(**arguments)

    def initialise(self, model: nn.Module, prepared: NoisyData) -> None:
        """Set the normalisation, from noisy recordings of the training part."""
        assert isinstance(model, Denoiser)
        train = prepared.train
        assert isinstance(train, NoisySpeech)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            chosen = torch.randperm(len(train))[:64].tolist()
            model.fit_normalization([train[n][0] for n in chosen])

    def collate(self) -> Callable[[list[Any]], Any]:
        """Recordings filled up with silence."""
        return collate_padded

    def loss(self, model: nn.Module, output: Tensor, target: Tensor) -> Tensor:
        """Decibels of the noise that is left, over the speech; what is at the ends and incomplete is cut."""
        return -signal_to_noise(*_complete(model, output, target)).mean()

    def score(self, model: nn.Module, prepared: NoisyData) -> dict[str, float]:
        """Ratios and gains on the test part; those of Wiener's filter stand beside them."""
        return gain_scores(self._gains(model, prepared), BASELINE)

    def picture(self, model: nn.Module, prepared: NoisyData) -> Figure:
        """Spectrograms of noisy recordings of the validation part, of what comes out, and of the speech."""
        return self._draw(model, prepared.validation, prepared.sample_rate)

    def write_details(self, model: nn.Module, prepared: NoisyData, folder: Path) -> None:
        """Write gains.csv, by noise and loudness; spectrograms of the test part; and what it sounds like."""
        assert isinstance(prepared.test, Mixtures)
        write_table(folder / GAINS_FILE, GAIN_COLUMNS, gain_table(self._gains(model, prepared)))
        save_figure(self._draw(model, prepared.test, prepared.sample_rate), folder / SPECTROGRAMS_PICTURE)
        for mixture in _one_of_each(prepared.test):
            name = f"{mixture.noise}, {mixture.decibels:g} dB"
            sounds = {"input": mixture.noisy, "output": _denoised(model, mixture), "speech": mixture.clean}
            for what, samples in sounds.items():
                write_sound(folder / SOUNDS_FOLDER / f"{name}, {what}.wav", samples, prepared.sample_rate)

    def _draw(self, model: nn.Module, part: Dataset, sample_rate: float) -> Figure:
        assert isinstance(part, Mixtures)
        rows = [
            {
                f"noisy: {mixture.noise}, {mixture.decibels:g} dB": mixture.noisy,
                "what the network makes of it": _denoised(model, mixture),
                "the speech in it": mixture.clean,
            }
            for mixture in _one_of_each(part)[:4]
        ]
        return draw_spectrograms(rows, sample_rate)

    def _gains(self, model: nn.Module, prepared: NoisyData) -> list[Gain]:
        assert isinstance(model, Denoiser)
        assert isinstance(prepared.test, Mixtures)
        found = []
        for mixture in prepared.test.mixtures:
            filtered = wiener(mixture.noisy, model.fourier, prepared.sample_rate)
            waveforms = torch.stack(
                [part[: len(filtered)] for part in (mixture.noisy, _denoised(model, mixture), filtered)]
            )
            ratios = si_sdr(*_complete(model, waveforms, mixture.clean.expand(3, -1)))
            found.append(Gain(mixture.noise, mixture.decibels, *ratios.tolist()))
        return found


def _one_of_each(part: Mixtures) -> list[Mixture]:
    """The first recording of each noise at the lowest ratio."""
    lowest = min(mixture.decibels for mixture in part.mixtures)
    return list({m.noise: m for m in reversed(part.mixtures) if m.decibels == lowest}.values())[::-1]


@torch.no_grad()
def _denoised(model: nn.Module, mixture: Mixture) -> Tensor:
    made: Tensor = model(mixture.noisy[None])[0]
    return made


def _complete(model: nn.Module, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both without the end, to which later frames would have added."""
    assert isinstance(model, Denoiser)
    length = output.shape[-1] - model.fourier.lookahead
    return output[..., :length], target[..., :length]


def _example(test: Mixtures, hop: int) -> Tensor:
    """Two noisy recordings of the test part: whole hops, as long as both are."""
    rows = [mixture.noisy for mixture in test.mixtures[:2]]
    length = min(map(len, rows)) // hop * hop
    return torch.stack([row[:length] for row in rows])


RECIPE = Denoise()
