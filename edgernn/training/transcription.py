"""What recipes share that learn sequences of symbols by CTC: samples, the loss, and error rates."""

from __future__ import annotations

import abc
import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from edgernn.ctc import CTCDecoder
from edgernn.errors import InputError
from edgernn.files import write_text
from edgernn.training.metrics.edits import text_error_rates
from edgernn.training.options import TrainingOptions
from edgernn.training.recipe import Prepared, Recipe

BLANK = "<blank>"
TEXTS_FILE = "texts.csv"

OptionsT = TypeVar("OptionsT", bound=TrainingOptions)


class Transcribed(Dataset):
    """Sequences and their texts; a sample is (sequence, numbers of the symbols).

    Args:
        sequences: each (time, …).
        texts: of each.
        vocabulary: symbols by index, the blank first.

    Raises:
        InputError: where a text holds a symbol that the vocabulary does not.
    """

    def __init__(self, sequences: Sequence[Tensor], texts: Sequence[str], vocabulary: Sequence[str]) -> None:
        self.sequences, self.texts = list(sequences), list(texts)
        self.numbers = [encode(text, vocabulary) for text in texts]

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.sequences[index], self.numbers[index]


def text_vocabulary(texts: Iterable[str], units: str = "characters") -> tuple[str, ...]:
    """The blank, and the characters or the words of texts, sorted."""
    return (
        BLANK,
        *sorted({symbol for text in texts for symbol in (text.split() if units == "words" else text)}),
    )


def encode(text: str, vocabulary: Sequence[str]) -> Tensor:
    """The numbers of a text's symbols; raises InputError where one is not known, with the text.

    Where a vocabulary holds symbols of several characters they are words, with spaces between them.
    """
    numbers = {symbol: n for n, symbol in enumerate(vocabulary)}
    symbols = text.split() if any(len(symbol) > 1 for symbol in vocabulary[1:]) else list(text)
    for symbol in symbols:
        if symbol not in numbers:
            raise InputError(
                f"data: the text {text!r} holds {symbol!r}, which is none of the symbols that are learned: "
                f"{', '.join(map(repr, vocabulary[1:]))}. Change the text, or train on texts that hold it."
            )
    return torch.tensor([numbers[symbol] for symbol in symbols], dtype=torch.int64)


def padded(samples: list[Any]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Sequences filled up on the right, their lengths, all symbols in a row, and how many each has."""
    sequences, numbers = zip(*samples, strict=True)
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    return (
        pad_sequence(list(sequences), batch_first=True),
        lengths,
        torch.cat(list(numbers)),
        torch.tensor([len(item) for item in numbers]),
    )


class TranscriptionRecipe(Recipe[OptionsT, Prepared], Generic[OptionsT]):
    """A recipe whose samples are `Transcribed`. A subclass reads the data and builds the network.

    The network gives log-probabilities (batch, steps, symbols), symbol 0 being the blank.
    """

    @abc.abstractmethod
    def steps(self, model: nn.Module, lengths: Tensor) -> Tensor:
        """How many steps the network makes of sequences of these lengths, (batch,)."""

    @abc.abstractmethod
    def log_probabilities(self, model: nn.Module, sequences: Tensor, steps: Tensor) -> Tensor:
        """The network's output for sequences that are filled up, of which `steps` steps count."""

    def predict(self, model: nn.Module, batch: Any) -> tuple[Any, Any]:
        """(log-probabilities, steps) and (symbols in a row, how many each has)."""
        sequences, lengths, numbers, counts = batch
        steps = self.steps(model, lengths)
        return (self.log_probabilities(model, sequences, steps), steps), (numbers, counts)

    def loss(self, model: nn.Module, output: Any, target: Any) -> Tensor:
        """CTC's: −log of the probability of a text ÷ its length, the mean over the batch."""
        (log_probabilities, steps), (numbers, counts) = output, target
        # A text that has more symbols than steps cannot be said: it counts nothing, and not infinity.
        return F.ctc_loss(log_probabilities.transpose(0, 1), numbers, steps, counts, zero_infinity=True)

    def collate(self) -> Callable[[list[Any]], Any]:
        """See `padded`."""
        return padded

    @torch.no_grad()
    def transcribe(self, model: nn.Module, part: Transcribed, symbols: Sequence[str]) -> list[str]:
        """What the network reads, greedily, of each sequence by itself: as an app gives them."""
        decoder = CTCDecoder(symbols)
        return [decoder.decode(model(sequence[None])[0].numpy()) for sequence in part.sequences]

    def baseline(self, prepared: Prepared) -> str:
        """What is read without looking: the most frequent text of the training part."""
        train = prepared.train
        assert isinstance(train, Transcribed)
        return max(sorted(set(train.texts)), key=train.texts.count)

    def score(self, model: nn.Module, prepared: Prepared) -> dict[str, float]:
        """Word and character error rates on the test part, and those of one text for all."""
        test = prepared.test
        assert isinstance(test, Transcribed)
        scores = text_error_rates(self.transcribe(model, test, prepared.metadata.vocabulary), test.texts)
        one = text_error_rates([self.baseline(prepared)] * len(test), test.texts)
        return {**scores, **{f"{name}/one_text": value for name, value in one.items()}}

    def write_details(self, model: nn.Module, prepared: Prepared, folder: Path) -> None:
        """Write texts.csv: what is said in each recording of the test part, and what was read."""
        test = prepared.test
        assert isinstance(test, Transcribed)
        rows = zip(test.texts, self.transcribe(model, test, prepared.metadata.vocabulary), strict=True)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["said", "read"])
        writer.writerows(rows)
        write_text(folder / TEXTS_FILE, text.getvalue())
