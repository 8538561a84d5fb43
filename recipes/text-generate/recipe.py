"""Learn a language by characters or bytes: what comes next, and so how to write on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.features.characters import Characters, character_vocabulary
from edgernn.features.symbols import BYTE_VOCABULARY
from edgernn.models import LanguageModel
from edgernn.training.classification import digest
from edgernn.training.language import (
    Parts,
    cut_off,
    language_scores,
    read_whole_texts,
    streams,
    witten_bell_scores,
)
from edgernn.training.options import option
from edgernn.training.recipe import Metadata, Prepared, Recipe, locate_data
from edgernn.training.streams import CarriedState, State, StreamBatch, StreamOptions, Streams

# Orders of the n-grams that the scores stand beside.
_BASELINES = {"one_gram": 1, "five_gram": 5}


@dataclass(frozen=True)
class Options(StreamOptions):
    """Options of the text-generate recipe."""

    symbols: Literal["characters", "bytes"] = option("characters", "What the network reads, one a step.")
    test_data: str = option("", "Text that is only scored; without it the end of each text is put aside.")
    validation_data: str = option("", "Text that chooses the epoch; without it an end is put aside.")
    test_size: float = option(0.1, "Share of each text put aside for the scores.", above=0, below=1)
    validation_size: float = option(
        0.05, "Share of the rest put aside to choose the epoch.", above=0, below=1
    )
    encoding: str = option("utf-8", "Encoding of the files.")
    cell: str = option("lstm", "Recurrent cell: lstm, gru, rnn, or another of edgernn.cells.")
    embedding_size: int = option(64, "Numbers that stand for a symbol.", minimum=1)
    hidden_size: int = option(512, "Size of a recurrent layer.", minimum=1)
    num_layers: int = option(1, "Recurrent layers on top of each other.", minimum=1)
    dropout: float = option(0.2, "Dropout around and between recurrent layers.", minimum=0, below=1)
    max_epochs: int = option(10, "Most passes over the training part.", minimum=1)
    patience: int = option(5, "Epochs without a better validation loss before training stops.", minimum=1)
    learning_rate: float = option(0.003, "Step size of the optimiser, the schedule's largest.", above=0)
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = option(
        "one-cycle", "How the learning rate changes over training."
    )
    threads: int | None = option(1, "CPU threads that training uses; none: torch's choice.", minimum=1)


@dataclass(frozen=True)
class LanguageData(Prepared):
    """The streams, and what scoring needs beside them.

    Attributes:
        characters: how many the targets of the test part spell; fewer than there are where symbols are bytes.
    """

    characters: int


class TextGenerate(Recipe[Options, LanguageData]):
    """The next symbol of a text."""

    summary = "Learn a language from your .txt file or folder, by characters or bytes, and write on."
    options_type = Options
    data_options: ClassVar[tuple[str, ...]] = ("test_data", "validation_data", "encoding")
    data_name = "tinyshakespeare"

    def prepare(self, options: Options, data: Path | None) -> LanguageData:
        """Read the texts and cut them; the vocabulary is that of the training part."""
        parts = _read(options, data)
        if options.symbols == "bytes":
            return _prepared(options, data, parts, BYTE_VOCABULARY)
        return _prepared(options, data, parts, character_vocabulary(parts.train))

    def prepare_like(
        self, options: Options, data: Path | None, known: Metadata, new_labels: bool = False
    ) -> LanguageData:
        """As `prepare`, with the vocabulary of a network that is trained already."""
        return _prepared(options, data, _read(options, data), known.vocabulary)

    def build(self, arguments: dict[str, Any]) -> LanguageModel:
        """The network: embedding, recurrent layers and a linear head."""
        return LanguageModel(**arguments)

    def predict_stream(
        self, model: nn.Module, batch: StreamBatch, carried: CarriedState
    ) -> tuple[Tensor, Tensor, State]:
        """Scores of the next symbol, (steps, symbols), and what came, (steps,), inside the texts."""
        assert isinstance(model, LanguageModel)
        state = carried.before(model.initial_state(len(batch.starts)), batch.starts)
        scores, state = model.scores(batch.inputs, state)
        return scores[batch.inside], batch.target[batch.inside], state

    def loss(self, model: nn.Module, output: Tensor, target: Tensor) -> Tensor:
        """Cross entropy: nats a symbol."""
        return F.cross_entropy(output, target)

    def loss_weight(self, model: nn.Module, target: Tensor) -> Tensor:
        """How many symbols there were."""
        return target.new_tensor(target.numel())

    def score(self, model: nn.Module, prepared: LanguageData) -> dict[str, float]:
        """Nats and bits a character and perplexity on the test part, and those of n-grams."""
        test, train = prepared.test, prepared.train
        assert isinstance(test, Streams)
        assert isinstance(train, Streams)
        scores = language_scores(model, test, prepared.characters)
        symbols = len(prepared.metadata.vocabulary)
        for name, order in _BASELINES.items():
            plain = witten_bell_scores(train, test, symbols, order, prepared.characters)
            scores |= {f"{score}/{name}": value for score, value in plain.items()}
        return scores


def _read(options: Options, data: Path | None) -> Parts:
    if data is None:
        raise InputError(
            "data: this recipe comes without data. Name yours with --data: a .txt file, or a folder of them."
        )

    def aside(
        texts: tuple[str, ...], file: str, share: float, what: str
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        path = locate_data(file) if file else None
        if path is None:
            return cut_off(texts, share, what)
        return texts, read_whole_texts(path, options.encoding)

    texts, test = aside(
        read_whole_texts(data, options.encoding), options.test_data, options.test_size, "test"
    )
    train, validation = aside(texts, options.validation_data, options.validation_size, "validation")
    return Parts(train, validation, test)


def _prepared(options: Options, data: Path | None, parts: Parts, vocabulary: Sequence[str]) -> LanguageData:
    symbols = Characters(vocabulary)
    train, validation, test = ([torch.tensor(symbols.encode(text)) for text in texts] for texts in parts)
    characters = sum(len(text) - 1 for text in parts.test)
    return LanguageData(
        train=streams(train, options.window, options.batch_size),
        validation=streams(validation, options.window, options.batch_size),
        test=streams(test, options.window, options.batch_size),
        arguments={
            "symbols": len(vocabulary),
            "embedding_size": options.embedding_size,
            "hidden_size": options.hidden_size,
            "cell": options.cell,
            "num_layers": options.num_layers,
            "dropout": options.dropout,
        },
        metadata=Metadata(task="text-generate", outputs=("log_probabilities",), vocabulary=tuple(vocabulary)),
        source=f"{sum(map(len, parts.train))} characters of {data}, and {characters} to score",
        fingerprint=digest(*parts),
        example=(_example(test[0], len(vocabulary)),),
        characters=characters,
    )


def _example(text: Tensor, symbols: int) -> Tensor:
    """Real text, and every symbol's number within the range of the input that the manifest gives."""
    limits = torch.tensor([0, symbols - 1])
    rows = text[: max(2, 2 * min(16, len(text) // 2))].reshape(2, -1)
    return torch.cat([rows, limits.repeat(2, 1)], dim=1)


RECIPE = TextGenerate()
