"""Say what is written."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from edgernn.features.characters import character_vocabulary
from edgernn.files import write_text
from edgernn.models.speech_generator import SpeechGenerator
from edgernn.pages import save_figure
from edgernn.sound import write_sound
from edgernn.training.classification import digest
from edgernn.training.metrics.edits import text_error_rates
from edgernn.training.metrics.spectrograms import draw_spectrograms
from edgernn.training.options import TrainingOptions, option
from edgernn.training.read_back import check_reader, read_back
from edgernn.training.recipe import Metadata, Prepared, Recipe, locate_data
from edgernn.training.run_page import SOUNDS_FOLDER
from edgernn.training.speaking import Said, say_again, speech_losses, voice_of
from edgernn.training.splits import split_at_random
from edgernn.training.spoken import Speech, SpeechBatch, Speeches, analyse, speech_batch
from edgernn.training.spoken_texts import number_texts, sentence_texts
from edgernn.training.utterances import JoinedWords, Utterance, read_utterances
from edgernn.training.voices import Voice, speak
from edgernn.training.whistles import make_pitches

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Decibels that a difference of 1 between natural logarithms of energies is.
_DECIBELS = 10 / np.log(10)
# What a run folder shows: texts that are spoken, and one of them otherwise.
_SPOKEN = 3
_OTHERWISE: dict[str, dict[str, Any]] = {"higher": {"pitch": 1.5}, "faster": {"speed": 1.4}}
READ_FILE, PICTURE_FILE = "read.csv", "speech.png"


@dataclass(frozen=True)
class Options(TrainingOptions):
    """Options of the speech-generate recipe."""

    speech: Literal["espeak-ng", "whistles"] = option(
        "espeak-ng", "Without data: who speaks; whistles are for a look without espeak-ng."
    )
    voice: str = option("en-us", "Of espeak-ng: the voice, e.g. en-gb+f2.")
    voice_speed: int = option(160, "Of espeak-ng: words a minute.", minimum=80, maximum=450)
    voice_pitch: int = option(50, "Of espeak-ng: the voice's pitch.", minimum=0, maximum=99)
    texts: int = option(500, "Without data: texts that are learned from.", minimum=2)
    sentences: float = option(0.2, "Of espeak-ng: share of sentences among them; the others are numbers.",
                              minimum=0, below=1)  # fmt: skip
    scored: int = option(100, "Without data: texts that are only scored, numbers.", minimum=1)
    test_data: str = option("", "Data that are only scored; without it a share of the data is put aside.")
    test_size: float = option(0.1, "Share of the data put aside for the scores.", above=0, below=1)
    validation_size: float = option(
        0.05, "Share of the rest put aside to choose the epoch.", above=0, below=1
    )
    split_seed: int = option(
        0, "Seed of what is put aside or drawn; apart from the seed of training.", minimum=0
    )
    encoding: str = option("utf-8", "Encoding of the texts.")
    lower: bool = option(True, "Whether texts are learned in small letters.")
    reader: str = option("", "Run folder of speech-recognise, which reads what is said: word error rate.")
    sample_rate: float = option(16000.0, "Samples a second; recordings are resampled.", minimum=8000)
    hop_milliseconds: float = option(12.5, "Time of a frame.", above=0)
    bands: int = option(48, "Bands of the mel scale.", minimum=1)
    embedding_size: int = option(64, "Numbers that stand for a character.", minimum=1)
    text_size: int = option(64, "Size of the text's recurrent layer, a direction.", minimum=1)
    hidden_size: int = option(160, "Size of the frames' recurrent layers.", minimum=1)
    num_layers: int = option(2, "The frames' recurrent layers on top of each other.", minimum=1)
    vocoder_size: int = option(128, "Size of the vocoder's recurrent layer.", minimum=1)
    harmonics: int = option(60, "Harmonics of the vocoder.", minimum=1)
    cell: str = option("gru", "Recurrent cell: lstm, gru, rnn, or another of edgernn.cells.")
    dropout: float = option(0.1, "Dropout around and between recurrent layers.", minimum=0, below=1)
    max_epochs: int = option(30, "Most passes over the training part.", minimum=1)
    patience: int = option(30, "Epochs without a better validation loss before training stops.", minimum=1)
    batch_size: int = option(12, "Recordings a training step.", minimum=1)
    learning_rate: float = option(0.004, "Step size of the optimiser, the schedule's largest.", above=0)
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = option(
        "one-cycle", "How the learning rate changes over training."
    )
    threads: int | None = option(1, "CPU threads that training uses; none: torch's choice.", minimum=1)


@dataclass(frozen=True)
class SpeechData(Prepared):
    """The recordings, and what scoring needs beside them.

    Attributes:
        reader: run folder of the network that reads what is said; empty where there is none.
    """

    reader: str


class SpeechGenerate(Recipe[Options, SpeechData]):
    """The sound of a text."""

    summary = "Text to speech: recordings with texts, or espeak-ng's voice; streams; pitch and speed."
    options_type = Options
    several_graphs = True
    data_options = ("test_data", "encoding")

    def prepare(self, options: Options, data: Path | None) -> SpeechData:
        """Read or make the recordings, split and analyse them."""
        return self._prepare(options, data, None)

    def prepare_like(
        self, options: Options, data: Path | None, known: Metadata, new_labels: bool = False
    ) -> SpeechData:
        """As `prepare`, with the characters of a network that is trained already."""
        return self._prepare(options, data, known)

    def _prepare(self, options: Options, data: Path | None, known: Metadata | None) -> SpeechData:
        if options.reader:
            check_reader(options.reader)
        parts, source = _recordings(options, data)
        texts = [utterance.text for part in parts for utterance in part]
        vocabulary = character_vocabulary([" ", *texts]) if known is None else known.vocabulary
        arguments = {
            "symbols": len(vocabulary),
            "sample_rate": options.sample_rate,
            "hop": round(options.sample_rate * options.hop_milliseconds / 1000),
            "bands": options.bands,
            "embedding_size": options.embedding_size,
            "text_size": options.text_size,
            "hidden_size": options.hidden_size,
            "num_layers": options.num_layers,
            "vocoder_size": options.vocoder_size,
            "harmonics": options.harmonics,
            "cell": options.cell,
            "dropout": options.dropout,
        }
        log_mel = self.build(arguments).log_mel
        train, validation, test = (
            Speeches([analyse(utterance, vocabulary, log_mel) for utterance in part]) for part in parts
        )
        return SpeechData(
            train=train,
            validation=validation,
            test=test,
            arguments=arguments,
            metadata=Metadata(
                task="speech-generate", sample_rate=options.sample_rate, vocabulary=tuple(vocabulary)
            ),
            source=source,
            fingerprint=digest(vocabulary, *(u.samples for part in parts for u in part), *texts),
            example=(_example(test.items, len(vocabulary)),),
            reader=options.reader,
        )

    def build(self, arguments: dict[str, Any]) -> SpeechGenerator:
        """The network: text, frames and vocoder, and what aligns them in training."""
        return SpeechGenerator(**arguments)

    def initialise(self, model: nn.Module, prepared: SpeechData) -> None:
        """Set the normalisation of spectra and pitch, from the training part alone."""
        assert isinstance(model, SpeechGenerator)
        items = _items(prepared.train)
        model.normalization.fit(torch.cat([item.mel for item in items]))
        model.frames.fit_pitch(torch.cat([item.pitch[item.voiced] for item in items]))

    def predict(self, model: nn.Module, batch: Any) -> tuple[Said, SpeechBatch]:
        """What the network says in the place of recordings, and these."""
        assert isinstance(model, SpeechGenerator)
        recordings = SpeechBatch(*batch)
        return say_again(model, recordings), recordings

    def loss(self, model: nn.Module, output: Said, target: SpeechBatch) -> Tensor:
        """Alignment, durations, spectra, pitch and sound together."""
        return torch.stack(list(speech_losses(output, target).values())).sum()

    def collate(self) -> Callable[[list[Any]], Any]:
        """See `speech_batch`."""
        return speech_batch

    def lengths(self, part: Dataset, options: Options) -> Sequence[int]:
        """Frames of each recording."""
        return [len(item.mel) for item in _items(part)]

    @torch.no_grad()
    def score(self, model: nn.Module, prepared: SpeechData) -> dict[str, float]:
        """How far spectra and durations are off on the test part; with a reader, its error rates.

        `spectrum_db`: mean difference of the bands' energies in decibels, by the recordings' own durations;
        `duration_ms`: mean difference of the characters' durations. Beside them stand those of one spectrum
        and one duration for all. `wer` and `cer` are of what the reader reads of the texts as they are
        spoken, beside what it reads of the recordings.
        """
        assert isinstance(model, SpeechGenerator)
        items = _items(prepared.test)
        spectra, durations = [], []
        for item in items:
            said, _ = self.predict(model, speech_batch([item]))
            differences = torch.stack([said.mel - said.mel_truth, said.mel_truth]).abs()
            spectra.append((differences * model.normalization.scale).mean(-1)[:, 0])
            true = said.durations[0].float()
            durations.append(torch.stack([said.logarithms[0].exp() - true, true.mean() - true]).abs())
        decibels = (_DECIBELS * torch.cat(spectra, dim=1)).mean(1)
        milliseconds = torch.cat(durations, dim=1).mean(1) * (
            1000 * model.log_mel.hop / model.log_mel.sample_rate
        )
        names = ("spectrum_db", "spectrum_db/mean", "duration_ms", "duration_ms/mean")
        scores = dict(zip(names, [*decibels.tolist(), *milliseconds.tolist()], strict=True))
        if prepared.reader:
            texts = [item.text for item in items]
            said_texts, recorded = self._read(model, prepared)
            scores |= text_error_rates(said_texts, texts)
            scores |= {
                f"{name}/recordings": value for name, value in text_error_rates(recorded, texts).items()
            }
        return scores

    def _read(self, model: SpeechGenerator, prepared: SpeechData) -> tuple[list[str], list[str]]:
        """What the reader reads of the test part's texts as they are spoken, and of their recordings."""
        voice, items = voice_of(model, prepared.metadata), _items(prepared.test)
        said = read_back((voice.say(item.text) for item in items), voice.sample_rate, prepared.reader)
        recordings = (item.samples.numpy() for item in items)
        return said, read_back(recordings, voice.sample_rate, prepared.reader)

    def picture(self, model: nn.Module, prepared: SpeechData) -> Figure:
        """Spectrograms of a text: the recording, and the network's voice."""
        return draw_spectrograms(self._sounds(model, prepared, 1), prepared.arguments["sample_rate"])

    def write_details(self, model: nn.Module, prepared: SpeechData, folder: Path) -> None:
        """Write sounds and spectrograms of texts of the test part; with a reader, read.csv: what it read."""
        assert isinstance(model, SpeechGenerator)
        rate = prepared.arguments["sample_rate"]
        for name, samples in self._sounds(model, prepared, _SPOKEN).items():
            write_sound(folder / SOUNDS_FOLDER / f"{name}.wav", samples, rate)
        save_figure(draw_spectrograms(self._sounds(model, prepared, 1), rate), folder / PICTURE_FILE)
        if prepared.reader:
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(["text", "read", "read_of_recording"])
            texts = (item.text for item in _items(prepared.test))
            writer.writerows(zip(texts, *self._read(model, prepared), strict=True))
            write_text(folder / READ_FILE, text.getvalue())

    def _sounds(self, model: nn.Module, prepared: SpeechData, count: int) -> dict[str, np.ndarray]:
        """Recordings of the test part and what the network says, and the first text otherwise, by name."""
        assert isinstance(model, SpeechGenerator)
        voice, items = voice_of(model, prepared.metadata), _items(prepared.test)[:count]
        found = {}
        for number, item in enumerate(items, start=1):
            found[f"{number}, recording"] = item.samples.numpy()
            found[f"{number}, speech"] = voice.say(item.text)
        return found | {f"1, {name}": voice.say(items[0].text, **way) for name, way in _OTHERWISE.items()}


def _example(items: Sequence[Speech], symbols: int) -> Tensor:
    """Two texts of the test part, and every number within the range of the input that the manifest gives."""
    numbers = speech_batch(list(items[:2])).numbers
    return torch.cat([numbers, torch.tensor([0, symbols - 1]).repeat(len(numbers), 1)], dim=1)


def _items(part: Dataset) -> list[Speech]:
    assert isinstance(part, Speeches)
    return part.items


def _recordings(options: Options, data: Path | None) -> tuple[list[list[Utterance]], str]:
    """The three parts, and what they are."""
    if data is not None:
        found = _read(options, data)
        if options.test_data:
            path = locate_data(options.test_data)
            assert path is not None
            test = _read(options, path)
        else:
            found, test = _apart(found, options.test_size, options.split_seed, "test")
        train, validation = _apart(found, options.validation_size, options.split_seed, "validation")
        return [train, validation, test], f"{len(train)} recordings with texts in {data}"
    if options.speech == "whistles":
        words = JoinedWords(
            make_pitches(1, 8, options.split_seed, options.sample_rate), options.sample_rate, 1, 3
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.split_seed)
            found = [words.draw(n % len(words)) for n in range(options.texts + options.scored)]
        test, source = found[options.texts :], "whistles of three pitches, which this recipe makes"
        found = found[: options.texts]
    else:
        sentences = round(options.sentences * options.texts)
        texts = number_texts(options.texts - sentences, options.split_seed, scored=False)
        texts += sentence_texts(sentences, options.split_seed, scored=False)
        voice = Voice(options.voice, options.voice_speed, options.voice_pitch)
        found, test = (
            [Utterance(speak(text, voice, options.sample_rate), text, f"the text {text!r}") for text in part]
            for part in (texts, number_texts(options.scored, options.split_seed, scored=True))
        )
        source = f"{len(found)} numbers and sentences that espeak-ng says in the voice {options.voice}"
    train, validation = _apart(found, options.validation_size, options.split_seed, "validation")
    return [train, validation, test], source


def _read(options: Options, path: Path) -> list[Utterance]:
    found, _ = read_utterances(path, options.sample_rate, encoding=options.encoding)
    if options.lower:
        found = [Utterance(u.samples, u.text.lower(), u.where) for u in found]
    return found


def _apart(
    items: list[Utterance], share: float, seed: int, what: str
) -> tuple[list[Utterance], list[Utterance]]:
    kept, put = split_at_random(len(items), max(1, round(share * len(items))), seed, what)
    return [items[n] for n in kept], [items[n] for n in put]


RECIPE = SpeechGenerate()
