"""Answer questions about a story, and say which of its sentences the answer follows from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.features.stories import word_numbers
from edgernn.features.symbols import Symbols, word_vocabulary
from edgernn.models import StoryReader
from edgernn.training.classification import (
    ClassifierData,
    ClassifierOptions,
    ClassifierRecipe,
    Sequences,
    batch_of,
    class_numbers,
    class_weights,
    digest,
    sequences_of,
)
from edgernn.training.naive_bayes import naive_bayes
from edgernn.training.options import option
from edgernn.training.recipe import Metadata, locate_data
from edgernn.training.splits import split_labelled
from edgernn.training.stories import StoryQuestion, read_questions

_SCORED_AT_ONCE = 256


@dataclass(frozen=True)
class Options(ClassifierOptions):
    """Options of the question-answer recipe."""

    story_column: str = option("story", "Column of a table that holds the stories.")
    question_column: str = option("question", "Column of a table that holds the questions.")
    answer_column: str = option("answer", "Column of a table that holds the answers.")
    words_a_sentence: int = option(16, "Most words of a sentence; the rest is cut off.", minimum=1)
    minimum_count: int = option(1, "Sentences that a word must stand in to be told from others.", minimum=1)
    cell: str = option("gru", "Recurrent cell: lstm, gru, rnn, or another of edgernn.cells.")
    embedding_size: int = option(32, "Numbers that stand for a word.", minimum=1)
    hidden_size: int = option(32, "Size of a recurrent layer, a direction.", minimum=1)
    dropout: float = option(0.1, "Dropout of the embeddings and before the last layer.", minimum=0, below=1)
    max_epochs: int = option(8, "Most passes over the training part.", minimum=1)
    patience: int = option(4, "Epochs without a better validation loss before training stops.", minimum=1)
    batch_size: int = option(32, "Samples a training step.", minimum=1)
    learning_rate: float = option(0.004, "Step size of the optimiser, the schedule's largest.", above=0)
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = option(
        "one-cycle", "How the learning rate changes over training."
    )


@dataclass(frozen=True)
class StoryData(ClassifierData):
    """The data sets, and what scoring needs beside them.

    Attributes:
        support: of each question of the test part, the sentences that its answer follows from; empty where
            nobody says.
    """

    support: tuple[tuple[int, ...], ...] = ()


class QuestionAnswer(ClassifierRecipe[Options]):
    """An answer to each question. A sample is the question, and behind it the sentences of the story."""

    summary = "Answer questions about stories: bAbI's format, or csv, tsv, jsonl with your own."
    options_type = Options

    def prepare(self, options: Options, data: Path | None) -> StoryData:
        """Read and split the questions, and choose the vocabulary from the training part."""
        return _prepared(options, data, None, True)

    def prepare_like(
        self, options: Options, data: Path | None, known: Metadata, new_labels: bool = False
    ) -> StoryData:
        """As `prepare`, with the vocabulary of a network that is trained already."""
        return _prepared(options, data, known, new_labels)

    def build(self, arguments: dict[str, Any]) -> StoryReader:
        """The network: sentences and the story read in both directions, attention, and a linear head."""
        return StoryReader(**arguments)

    def logits(self, model: nn.Module, padded: Tensor, lengths: Tensor) -> Tensor:
        """Scores of the answers; the lengths follow from the zeros behind a story."""
        assert isinstance(model, StoryReader)
        return model.scores(padded[:, 1:], padded[:, 0])[0]

    def answers(self, model: nn.Module, padded: Tensor, lengths: Tensor) -> Tensor:
        """Probabilities of the answers, by the network's `forward` alone."""
        return _outputs(model, padded)[0]

    def baselines(self, prepared: ClassifierData) -> dict[str, Tensor]:
        """The most frequent answer, and naive Bayes over the words of story and question."""
        train, test = sequences_of(prepared.train), sequences_of(prepared.test)
        flat = [[rows[rows > 0] for rows in part.sequences] for part in (train, test)]
        return {
            **super().baselines(prepared),
            "naive_bayes": naive_bayes(flat[0], train.classes, flat[1], 1),
        }

    def score(self, model: nn.Module, prepared: ClassifierData) -> dict[str, float]:
        """As of any classes; also `support`, how often the sentence that counts most is one that is named."""
        scores = super().score(model, prepared)
        assert isinstance(prepared, StoryData)
        known = [n for n, places in enumerate(prepared.support) if places]
        if known:
            test = sequences_of(prepared.test)
            most = _most_attended(model, [test[n] for n in known])
            # Row 0 of a sample is the question.
            last = [test.lengths[n] - 2 for n in known]
            for name, found in (("support", most), ("support/last_sentence", last)):
                right = [place in prepared.support[n] for n, place in zip(known, found, strict=True)]
                scores[name] = sum(right) / len(known)
        return scores


@torch.no_grad()
def _most_attended(model: nn.Module, samples: Sequence[tuple[Tensor, int]]) -> list[int]:
    """The sentence that counts most for each of some questions."""
    found: list[int] = []
    for start in range(0, len(samples), _SCORED_AT_ONCE):
        padded, *_ = batch_of(list(samples[start : start + _SCORED_AT_ONCE]))
        found += _outputs(model, padded)[1].argmax(-1).tolist()
    return found


def _outputs(model: nn.Module, padded: Tensor) -> tuple[Tensor, Tensor]:
    """Probabilities and attention, of the network or of a file that stands in its place."""
    found = model(padded[:, 1:], padded[:, 0])
    probabilities, attention = found.values() if isinstance(found, dict) else found
    return probabilities, attention


def _prepared(options: Options, data: Path | None, known: Metadata | None, new_labels: bool) -> StoryData:
    if data is None:
        raise InputError(
            "data: this recipe comes without data. Name yours with --data: a .txt file in bAbI's format, or "
            "a .csv, .tsv or .jsonl file with columns story, question and answer."
        )
    train, validation, test = _split(options, data)
    labels = tuple(sorted({item.answer for item in train}))
    if known is not None:
        vocabulary, labels = known.vocabulary, labels if new_labels else known.labels
    else:
        texts = (text for item in train for text in (*item.story, item.question))
        vocabulary = word_vocabulary(texts, minimum_count=options.minimum_count)
    if len(labels) < 2:
        raise InputError(f"data: all answers are {labels[0]!r}; there is nothing to tell apart.")
    symbols, width = Symbols(vocabulary), options.words_a_sentence
    parts = [_sequences(part, labels, symbols, width) for part in (train, validation, test)]
    return StoryData(
        train=parts[0],
        validation=parts[1],
        test=parts[2],
        arguments={
            "words": len(vocabulary),
            "answers": len(labels),
            "words_a_sentence": width,
            "embedding_size": options.embedding_size,
            "hidden_size": options.hidden_size,
            "cell": options.cell,
            "dropout": options.dropout,
        },
        metadata=Metadata(task="question-answer", labels=labels, vocabulary=vocabulary),
        source=f"{sum(map(len, parts))} questions of {len(labels)} answers in {data}",
        fingerprint=digest(labels, *((*item.story, item.question, item.answer) for part in
                                     (train, validation, test) for item in part)),
        example=_example(parts[2], len(vocabulary)),
        class_weights=class_weights(parts[0].classes, len(labels), options.class_weights),
        label_smoothing=options.label_smoothing,
        support=tuple(item.support for item in test),
    )  # fmt: skip


def _split(options: Options, data: Path) -> tuple[Sequence[StoryQuestion], ...]:
    """The training, validation and test part."""

    def read(path: Path) -> list[StoryQuestion]:
        return read_questions(
            path,
            story_column=options.story_column,
            question_column=options.question_column,
            answer_column=options.answer_column,
            encoding=options.encoding,
        )

    def aside(
        items: list[StoryQuestion], file: str, share: float, what: str
    ) -> tuple[list[StoryQuestion], list[StoryQuestion]]:
        path = locate_data(file) if file else None
        if path is not None:
            return items, read(path)
        kept, put = split_labelled([item.answer for item in items], share, options.split_seed, what)
        return [items[n] for n in kept], [items[n] for n in put]

    items, test = aside(read(data), options.test_data, options.test_size, "test")
    train, validation = aside(items, options.validation_data, options.validation_size, "validation")
    return train, validation, test


def _sequences(
    items: Sequence[StoryQuestion], labels: Sequence[str], symbols: Symbols, width: int
) -> Sequences:
    classes = class_numbers([item.answer for item in items], labels, [item.where for item in items])
    numbers = [word_numbers([item.question, *item.story], symbols, width) for item in items]
    return Sequences([torch.from_numpy(rows) for rows in numbers], classes)


def _example(test: Sequences, words: int) -> tuple[Tensor, Tensor]:
    """Two real stories of like length, and every word's number within the range that the manifest gives."""
    rows = [test.sequences[n] for n in range(min(2, len(test)))]
    steps = min(len(row) for row in rows)
    both = torch.stack([row[:steps] for row in rows])
    story, question = both[:, 1:].clone(), both[:, 0]
    story[-1, -1, -1] = words - 1
    return story, question


RECIPE = QuestionAnswer()
