"""Write down what is said, while it is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.models import SpeechRecognizer
from edgernn.training.classification import digest
from edgernn.training.noises import background, mix
from edgernn.training.options import option
from edgernn.training.recipe import Metadata, Prepared
from edgernn.training.speech_data import SpeechOptions, read_speech
from edgernn.training.transcription import Transcribed, TranscriptionRecipe, encode, text_vocabulary
from edgernn.training.utterances import JoinedWords, Utterance


@dataclass(frozen=True)
class Options(SpeechOptions):
    """Options of the speech-recognise recipe."""

    units: Literal["characters", "words"] = option(
        "characters", "What the network writes one a step: words where there are few of them."
    )
    frame_milliseconds: float = option(32.0, "Length of the front end's frames.", above=0)
    hop_milliseconds: float = option(16.0, "Time from one frame to the next.", above=0)
    bands: int = option(32, "Bands of the mel scale.", minimum=1)
    channels: int = option(64, "Output channels of the convolution.", minimum=1)
    cell: str = option("gru", "Recurrent cell: lstm, gru, rnn, or another of edgernn.cells.")
    hidden_size: int = option(128, "Size of a recurrent layer, a direction.", minimum=1)
    num_layers: int = option(2, "Recurrent layers on top of each other.", minimum=1)
    bidirectional: bool = option(
        False, "Whether a second cell reads backwards; such a network cannot stream."
    )
    dropout: float = option(0.2, "Dropout around and between recurrent layers.", minimum=0, below=1)
    hidden_frames: int = option(12, "Most frames in a row that training hides.", minimum=0)
    hidden_bands: int = option(6, "Most bands in a row that training hides.", minimum=0)
    loudest_noise: float = option(5.0, "Decibels of speech over noise in training, at least.")
    speed: float = option(0.1, "Largest change of speed in training, as a share.", minimum=0, below=1)
    max_epochs: int = option(16, "Most passes over the training part.", minimum=1)
    patience: int = option(16, "Epochs without a better validation loss before training stops.", minimum=1)
    batch_size: int = option(32, "Recordings a training step.", minimum=1)
    learning_rate: float = option(0.004, "Step size of the optimiser, the schedule's largest.", above=0)
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = option(
        "one-cycle", "How the learning rate changes over training."
    )
    weight_decay: float = option(0.01, "Weight decay (L2) of the optimiser.", minimum=0)
    threads: int | None = option(1, "CPU threads that training uses; none: torch's choice.", minimum=1)


class Heard(Transcribed):
    """Recordings as training hears them: at another speed, with noise; or texts joined anew each time."""

    def __init__(
        self,
        recordings: Sequence[Utterance],
        vocabulary: Sequence[str],
        options: Options,
        joined: JoinedWords | None = None,
    ) -> None:
        super().__init__([u.samples for u in recordings], [u.text for u in recordings], vocabulary)
        self.options, self.joined, self.vocabulary = options, joined, vocabulary

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        samples, numbers = super().__getitem__(index)
        if self.joined is not None:
            drawn = self.joined.draw(index)
            samples, numbers = drawn.samples, encode(drawn.text, self.vocabulary)
        if self.options.speed:
            share = self.options.speed * float(2 * torch.rand(()) - 1)
            samples = F.interpolate(samples[None, None], scale_factor=1 + share, mode="linear")[0, 0]
        samples = samples * float(10 ** -torch.rand(()))
        decibels = self.options.loudest_noise + (40 - self.options.loudest_noise) * float(torch.rand(()))
        return mix(samples, background(len(samples)), decibels), numbers


class SpeechRecognise(TranscriptionRecipe[Options]):
    """The text of a recording, and of a stream so far."""

    summary = "Speech to text: recordings with texts, or single words that are joined; streams."
    options_type = Options
    data_options = (
        "test_data", "validation_data", "encoding", "file_column", "text_column", "data_root", "sentences",
        "label_pattern", "speaker_pattern", "test_pattern", "spell",
    )  # fmt: skip

    def prepare(self, options: Options, data: Path | None) -> Prepared:
        """Read and split the recordings, and find the symbols of the texts."""
        return self._prepare(options, data, None)

    def prepare_like(
        self, options: Options, data: Path | None, known: Metadata, new_labels: bool = False
    ) -> Prepared:
        """As `prepare`, with the symbols and the sample rate of a network that is trained already."""
        return self._prepare(options, data, known)

    def _prepare(self, options: Options, data: Path | None, known: Metadata | None) -> Prepared:
        rate = options.sample_rate if known is None else known.sample_rate
        train, validation, test, joined, rate, source = read_speech(options, data, rate)
        parts = (train, validation, test)
        # A letter that only a text to score holds must not end the run: the network will never write it.
        texts = (utterance.text for part in parts for utterance in part)
        vocabulary = text_vocabulary(texts, options.units) if known is None else known.vocabulary
        frame, hop = (
            max(1, round(rate * value / 1000))
            for value in (options.frame_milliseconds, options.hop_milliseconds)
        )
        for part in parts:
            for utterance in part:
                if len(utterance.samples) < frame:
                    raise InputError(f"data: {utterance.where}: shorter than a frame of {frame} samples.")
        sets = [
            Transcribed([u.samples for u in part], [u.text for u in part], vocabulary)
            for part in (validation, test)
        ]
        return Prepared(
            train=Heard(train, vocabulary, options, joined),
            validation=sets[0],
            test=sets[1],
            arguments={
                "symbols": len(vocabulary),
                "sample_rate": rate,
                "frame": frame,
                "hop": hop,
                "bands": options.bands,
                "channels": options.channels,
                "hidden_size": options.hidden_size,
                "cell": options.cell,
                "num_layers": options.num_layers,
                "bidirectional": options.bidirectional,
                "dropout": options.dropout,
                "hidden_frames": options.hidden_frames,
                "hidden_bands": options.hidden_bands,
            },
            metadata=Metadata(
                task="speech-recognise",
                sample_rate=rate,
                outputs=("log-probabilities",),
                vocabulary=vocabulary,
            ),
            source=source,
            fingerprint=digest(
                vocabulary, rate, *(u.samples for part in parts for u in part), *(u.text for u in train)
            ),
            example=(_example(sets[1], frame, 2 * hop),),
        )

    def build(self, arguments: dict[str, Any]) -> SpeechRecognizer:
        """The network: log-mel features, a convolution, recurrent layers, a linear head."""
        return SpeechRecognizer(**arguments)

    def initialise(self, model: nn.Module, prepared: Prepared) -> None:
        """Set the normalisation, from the training part alone."""
        assert isinstance(model, SpeechRecognizer)
        assert isinstance(prepared.train, Heard)
        model.fit_normalization(prepared.train.sequences)

    def steps(self, model: nn.Module, lengths: Tensor) -> Tensor:
        """Of recordings of so many samples."""
        assert isinstance(model, SpeechRecognizer)
        return model.steps(lengths)

    def log_probabilities(self, model: nn.Module, sequences: Tensor, steps: Tensor) -> Tensor:
        """Of recordings that are filled up with silence."""
        assert isinstance(model, SpeechRecognizer)
        return model.log_probabilities(sequences, steps)


def _example(test: Transcribed, frame: int, hop: int) -> Tensor:
    """Two recordings of the test part, with silence behind them: a whole number of hops."""
    rows = nn.utils.rnn.pad_sequence([test.sequences[n] for n in range(min(2, len(test)))], batch_first=True)
    steps = -(-(rows.shape[1] - frame) // hop) + 1
    return F.pad(rows, (0, steps * hop + frame - rows.shape[1]))


RECIPE = SpeechRecognise()
