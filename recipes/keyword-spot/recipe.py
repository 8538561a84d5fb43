"""Find spoken words in a waveform while it comes in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import default_collate

from edgernn.models import KeywordSpotter
from edgernn.training.classification import (
    ClassifierData,
    ClassifierRecipe,
    Sequences,
    class_numbers,
    digest,
)
from edgernn.training.neighbour import nearest_by_statistics
from edgernn.training.options import option
from edgernn.training.recipe import Metadata
from edgernn.training.sounds import Sound, speakers_of
from edgernn.training.word_data import WordOptions, chosen_words, read_words, said_by, split_words
from edgernn.training.word_streams import (
    Streams,
    choose_threshold,
    count_found,
    make_streams,
    stream_scores,
)
from edgernn.training.word_windows import IGNORED, FixedWindows, WindowOptions, WordWindows

UNKNOWN, SILENCE = "<unknown>", "<silence>"

# Seconds of silence around a recording that is classified by itself, as there are in a stream.
_BEFORE, _AFTER = 0.3, 0.5
# Weight of silent frames in the loss: most frames are silent, and easy.
_SILENCE_WEIGHT = 0.3


@dataclass(frozen=True)
class Options(WordOptions):
    """Options of the keyword-spot recipe."""

    frame_milliseconds: float = option(32.0, "Length of the front end's frames.", above=0)
    hop_milliseconds: float = option(16.0, "Time from one frame to the next.", above=0)
    bands: int = option(32, "Bands of the mel scale.", minimum=1)
    channels: int = option(0, "Output channels of the convolution; 0: a recurrent network alone.", minimum=0)
    cell: str = option("gru", "Recurrent cell: lstm, gru, rnn, or another of edgernn.cells.")
    hidden_size: int = option(96, "Size of a recurrent layer.", minimum=1)
    num_layers: int = option(2, "Recurrent layers on top of each other.", minimum=1)
    normalization: Literal["fixed", "running"] = option(
        "fixed", "Features by the training data's mean, or by that of the last seconds, as it goes."
    )
    smoothing_milliseconds: float = option(128.0, "Time that probabilities are averaged over.", above=0)
    window_seconds: float = option(2.0, "Length of the streams that are learned from.", above=0)
    speed: float = option(0.12, "Largest change of speed in training, as a share.", minimum=0, below=1)
    loudest_noise: float = option(0.0, "Decibels of speech over noise in training, at least.")
    clean_share: float = option(0.2, "Share of the training streams without noise.", minimum=0, maximum=1)
    reversed_share: float = option(
        0.15, "Share of words that training plays backwards, which are unknown words.", minimum=0, below=1
    )
    hidden_frames: int = option(12, "Most frames in a row that training hides.", minimum=0)
    hidden_bands: int = option(6, "Most bands in a row that training hides.", minimum=0)
    false_alarms_per_hour: float = option(
        1.0, "False alarms in an hour that the threshold is set to allow.", minimum=0
    )
    stream_minutes: int = option(30, "Length of the streams that are scored.", minimum=1)
    max_epochs: int = option(20, "Most passes over the training part.", minimum=1)
    patience: int = option(20, "Epochs without a better validation loss before training stops.", minimum=1)
    batch_size: int = option(48, "Streams a training step.", minimum=1)
    learning_rate: float = option(0.004, "Step size of the optimiser, the schedule's largest.", above=0)
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = option(
        "one-cycle", "How the learning rate changes over training."
    )
    dropout: float = option(0.2, "Dropout around and between recurrent layers.", minimum=0, below=1)
    weight_decay: float = option(0.01, "Weight decay (L2) of the optimiser.", minimum=0)
    length_buckets: bool = option(False, "Streams all have one length.")


@dataclass(frozen=True)
class SpotterData(ClassifierData):
    """The data sets, and what streams are made of.

    Attributes:
        windows: how streams are made of them.
        strangers: other words of the validation and of the test part; empty: keywords played backwards are.
        per_hour: false alarms in an hour that are allowed.
        minutes: length of the streams that set the threshold, and of those that are scored.
    """

    windows: WindowOptions | None = None
    strangers: tuple[Sequence[Tensor], Sequence[Tensor]] = ((), ())
    per_hour: float = 1.0
    minutes: int = 30


class KeywordSpot(ClassifierRecipe[Options]):
    """The words of a stream, and when they were said."""

    summary = "Find spoken words in a stream: a folder of WORD/ folders, or words that are only typed."
    options_type = Options
    data_options = (
        *ClassifierRecipe.data_options, "keywords", "words", "label_pattern", "speaker_pattern",
        "test_pattern", "test_speaker", "unknown_data",
    )  # fmt: skip

    def prepare(self, options: Options, data: Path | None) -> SpotterData:
        """Read and split the recordings."""
        return self._prepare(options, data, None)

    def prepare_like(
        self, options: Options, data: Path | None, known: Metadata, new_labels: bool = False
    ) -> SpotterData:
        """As `prepare`, with the labels of a network that is trained already."""
        return self._prepare(options, data, known, new_labels)

    def _prepare(
        self, options: Options, data: Path | None, known: Metadata | None, new_labels: bool = True
    ) -> SpotterData:
        rate = options.sample_rate if known is None else known.sample_rate
        sounds, strangers, rate, backgrounds = read_words(options, data, rate)
        train, validation, test = split_words(options, sounds, data, rate)
        if known is not None and not new_labels:
            labels = known.labels
        else:
            labels = (*chosen_words(options, train), UNKNOWN, SILENCE)
        frame, hop = (
            max(1, round(rate * value / 1000))
            for value in (options.frame_milliseconds, options.hop_milliseconds)
        )
        windows = WindowOptions(
            sample_rate=rate,
            frame=frame,
            hop=hop,
            seconds=options.window_seconds,
            unknown=len(labels) - 2,
            silence=len(labels) - 1,
            # A whistle that falls is one that rises, played backwards.
            reversed_share=options.reversed_share if data is not None or options.words else 0.0,
            speed=options.speed,
            noise=(options.loudest_noise, 40.0),
            clean_share=options.clean_share,
            backgrounds=backgrounds,
        )
        others = [[sound.samples for sound in strangers[first::5]] for first in range(5)]
        words = [_words(part, labels) for part in (train, validation, test)]
        unknown = [*others[2], *others[3], *others[4]]
        words[0] = Sequences(
            [*words[0].sequences, *unknown], [*words[0].classes, *[len(labels) - 2] * len(unknown)]
        )
        learned, chosen = (WordWindows(part.sequences, part.classes, windows) for part in words[:2])
        people = f" of {len(speakers)} speakers" if (speakers := speakers_of(sounds)) else ""
        return SpotterData(
            train=learned,
            validation=FixedWindows(chosen, options.split_seed),
            test=words[2],
            arguments={
                "classes": len(labels),
                "sample_rate": rate,
                "frame": frame,
                "hop": hop,
                "bands": options.bands,
                "channels": options.channels,
                "hidden_size": options.hidden_size,
                "cell": options.cell,
                "num_layers": options.num_layers,
                "normalization": options.normalization,
                "smoothing": max(1, round(options.smoothing_milliseconds / 1000 * rate / hop)),
                "dropout": options.dropout,
                "hidden_frames": options.hidden_frames,
                "hidden_bands": options.hidden_bands,
            },
            metadata=Metadata(
                task="keyword-spot",
                sample_rate=rate,
                outputs=("scores",),
                labels=labels,
            ),
            source=f"{len(sounds)} recordings of {len({sound.label for sound in sounds})} words{people} "
            + said_by(options, data),
            fingerprint=digest(
                labels,
                rate,
                *(x for part in (*(p.sequences for p in words), *others) for x in part),
                *(part.classes for part in words),
            ),
            example=(_example(words[2], frame, hop),),
            class_weights=None,
            windows=windows,
            strangers=(others[0], others[1]),
            per_hour=options.false_alarms_per_hour,
            minutes=options.stream_minutes,
        )

    def build(self, arguments: dict[str, Any]) -> KeywordSpotter:
        """The network: log-mel features, a convolution where asked for, recurrent layers, a linear head."""
        return KeywordSpotter(**arguments)

    def initialise(self, model: nn.Module, prepared: ClassifierData) -> None:
        """Set the normalisation, from the training part alone, and the classes' weights."""
        assert isinstance(model, KeywordSpotter)
        assert isinstance(prepared.train, WordWindows)
        weights = torch.ones(model.classes)
        weights[-1] = _SILENCE_WEIGHT
        model.register_buffer("class_weights", weights, persistent=False)
        frame = model.log_mel.frame
        words = prepared.train.sequences
        model.fit_normalization([F.pad(word, (0, max(0, frame - len(word)))) for word in words])

    def finish(self, model: nn.Module, prepared: ClassifierData) -> None:
        """Set the threshold by streams of the validation part in which no keyword is said."""
        assert isinstance(model, KeywordSpotter)
        assert isinstance(prepared, SpotterData)
        assert isinstance(prepared.validation, Sequences)
        model.threshold.zero_()
        streams = self._negative(prepared, prepared.validation, prepared.strangers[0], 1)
        model.threshold.fill_(choose_threshold(stream_scores(model, streams), streams, prepared.per_hour))

    def collate(self) -> Callable[[list[Any]], Any]:
        """Streams of one length, and their frames' classes."""
        return default_collate

    def collate_training(self, prepared: ClassifierData) -> Callable[[list[Any]], Any]:
        """The same: a data set draws its streams itself."""
        return default_collate

    def predict(self, model: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
        """Scores of the classes of every frame, and the classes."""
        samples, classes = batch
        assert isinstance(model, KeywordSpotter)
        return model.logits(samples), classes

    def loss(self, model: nn.Module, output: Tensor, target: Tensor) -> Tensor:
        """Cross entropy of the frames at which something is to be said, or nothing."""
        weights = model.get_buffer("class_weights")
        return F.cross_entropy(output.transpose(1, 2), target, weight=weights, ignore_index=IGNORED)

    def loss_weight(self, model: nn.Module, target: Tensor) -> Tensor:
        """The sum of the frames' class weights, which the cross entropy divides by."""
        return model.get_buffer("class_weights")[target[target != IGNORED]].sum()

    def logits(self, model: nn.Module, padded: Tensor, lengths: Tensor) -> Tensor:
        """Scores of the words, as `answers`."""
        return self.answers(model, padded, lengths)

    def answers(self, model: nn.Module, padded: Tensor, lengths: Tensor) -> Tensor:
        """Of recordings with silence around them: each word's largest score; something was said."""
        assert isinstance(model, KeywordSpotter)
        before, behind = (round(seconds * model.log_mel.sample_rate) for seconds in (_BEFORE, _AFTER))
        samples = F.pad(padded, (before, behind))
        scores: Tensor = model(samples)
        # Longer recordings of a batch do not lengthen the silence behind shorter ones.
        times = torch.linspace(0, samples.shape[1], scores.shape[1])
        late = times > (lengths + before + behind).unsqueeze(1)
        largest = scores.masked_fill(late.unsqueeze(2), -1.0).amax(1)
        largest[:, -1] = -1.0
        return largest

    def baselines(self, prepared: ClassifierData) -> dict[str, Tensor]:
        """The most frequent word, and the nearest recording by statistics of its log-mel features."""
        train, test = prepared.train, prepared.test
        assert isinstance(train, Sequences)
        assert isinstance(test, Sequences)
        front = self.build(prepared.arguments).log_mel

        def features(words: Sequence[Tensor]) -> list[Tensor]:
            return [front(F.pad(word, (0, max(0, front.frame - len(word))))[None])[0] for word in words]

        nearest = nearest_by_statistics(features(train.sequences), train.classes, features(test.sequences))
        return {**super().baselines(prepared), "nearest": nearest}

    def score(self, model: nn.Module, prepared: ClassifierData) -> dict[str, float]:
        """Scores of single recordings, and of streams: words found, and false alarms in an hour."""
        assert isinstance(prepared, SpotterData)
        assert isinstance(prepared.test, Sequences)
        assert prepared.windows is not None
        scores = super().score(model, prepared)
        words = prepared.test
        positive = make_streams(words.sequences, words.classes, _quiet(prepared.windows), prepared.minutes, 2)
        found = count_found(stream_scores(model, positive), positive)
        negative = self._negative(prepared, words, prepared.strangers[1], 3)
        alarms = count_found(stream_scores(model, negative), negative)
        scores["stream_recall"] = found.right / max(1, found.said)
        scores["stream_precision"] = found.right / max(1, found.right + found.false)
        scores["false_alarms_per_hour"] = alarms.false / negative.hours
        return scores

    def _negative(
        self, prepared: SpotterData, part: Sequences, strangers: Sequence[Tensor], seed: int
    ) -> Streams:
        """Streams of everything but keywords: other words, or for want of any, keywords played backwards."""
        windows = prepared.windows
        assert windows is not None
        assert windows.unknown is not None
        known = [n for n, cls in enumerate(part.classes) if cls != windows.unknown]
        others = [part.sequences[n] for n, cls in enumerate(part.classes) if cls == windows.unknown]
        words = [*others, *strangers] or [part.sequences[n].flip(0) for n in known]
        return make_streams(words, [windows.unknown] * len(words), _quiet(windows), prepared.minutes, seed)


def _words(sounds: Sequence[Sound], labels: Sequence[str]) -> Sequences:
    known = set(labels)
    unknown = UNKNOWN if UNKNOWN in known else None
    names = [sound.label if sound.label in known or unknown is None else unknown for sound in sounds]
    return Sequences(
        [sound.samples for sound in sounds], class_numbers(names, labels, [sound.where for sound in sounds])
    )


def _quiet(windows: WindowOptions) -> WindowOptions:
    """Streams to score: at the speed they were spoken, with noise as an office has it."""
    return replace(windows, speed=0.0, reversed_share=0.0, noise=(10.0, 30.0), clean_share=0.2)


def _example(test: Sequences, frame: int, hop: int) -> Tensor:
    """Two recordings of the test part, with silence behind them: a whole number of hops."""
    rows = nn.utils.rnn.pad_sequence([test.sequences[n] for n in range(min(2, len(test)))], batch_first=True)
    steps = max(4, -(-max(0, rows.shape[1] - frame) // hop) + 4)
    return F.pad(rows, (0, steps * hop + frame - rows.shape[1]))


RECIPE = KeywordSpot()
