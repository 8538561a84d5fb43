"""Answer questions about a text with a stretch of it: SQuAD's format, recurrent layers and attention."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from edgernn.errors import InputError
from edgernn.features.spans import LONGEST_ANSWER, UNKNOWN_NUMBERS, SpanNumbers, best_span, covering_words
from edgernn.features.tokens import Token, token_vocabulary, tokens
from edgernn.files import write_text
from edgernn.models import SpanReader
from edgernn.training.classification import digest
from edgernn.training.metrics.answers import exact_match, token_f1
from edgernn.training.options import TrainingOptions, option
from edgernn.training.overlap import overlap_span
from edgernn.training.recipe import Metadata, Prepared, Recipe, locate_data
from edgernn.training.splits import split_at_random
from edgernn.training.squad import SpanQuestion, read_squad

DETAILS_FILE = "answers.csv"
_SCORED_AT_ONCE = 32
# Answers of SQuAD have 3 words in the mean; the baseline cannot say where one ends.
_BASELINE_WORDS = 3


@dataclass(frozen=True)
class Options(TrainingOptions):
    """Options of the answer-spans recipe."""

    test_data: str = option(
        "", "Questions that are only scored; without it a share of the data is put aside."
    )
    validation_data: str = option("", "Questions that choose the epoch; without it a share is put aside.")
    test_size: float = option(0.2, "Share of the articles put aside for the scores.", above=0, below=1)
    validation_size: float = option(
        0.1, "Share of the articles put aside to choose the epoch.", above=0, below=1
    )
    split_seed: int = option(0, "Seed of what is put aside; apart from the seed of training.", minimum=0)
    encoding: str = option("utf-8", "Encoding of the files.")
    minimum_count: int = option(2, "Times that a word must stand in the texts to be known.", minimum=1)
    vocabulary_size: int = option(20000, "Most words that are known.", minimum=3)
    words_a_question: int = option(24, "Most words of a question; the rest is cut off.", minimum=1)
    cell: str = option("gru", "Recurrent cell: lstm, gru, rnn, or another of edgernn.cells.")
    embedding_size: int = option(48, "Numbers that stand for a word.", minimum=1)
    hidden_size: int = option(48, "Size of a recurrent layer, a direction.", minimum=1)
    dropout: float = option(0.3, "Dropout of embeddings and between layers.", minimum=0, below=1)
    max_epochs: int = option(6, "Most passes over the training part.", minimum=1)
    patience: int = option(5, "Epochs without a better validation loss before training stops.", minimum=1)
    batch_size: int = option(16, "Questions a training step.", minimum=1)
    learning_rate: float = option(0.004, "Step size of the optimiser, the schedule's largest.", above=0)
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = option(
        "one-cycle", "How the learning rate changes over training."
    )
    # A network this small gains little from a second thread.
    threads: int | None = option(1, "CPU threads that training uses; none: torch's choice.", minimum=1)


class Questions(Dataset):
    """Questions as numbers: a sample is (context, question, (first word, last word))."""

    def __init__(self, items: Sequence[SpanQuestion], numbers: SpanNumbers, width: int) -> None:
        self.items = list(items)
        # Questions of one context share its words.
        cut: dict[str, tuple[list[Token], Tensor]] = {}
        for context in {item.context: None for item in items}:
            words = tokens(context)
            cut[context] = words, torch.tensor(numbers.words([word.text for word in words]))
        self.words = [cut[item.context][0] for item in items]
        self._contexts = [cut[item.context][1] for item in items]
        self._questions = [torch.tensor(numbers.question(item.question, width)) for item in items]
        self._targets = [_target(item, words) for item, words in zip(self.items, self.words, strict=True)]

    @property
    def lengths(self) -> list[int]:
        """Words of each context."""
        return [len(context) for context in self._contexts]

    def text(self, index: int, start: int, end: int) -> str:
        """The characters of a context from one word to another, exclusive, as they are written."""
        words = self.words[index]
        return self.items[index].context[words[start].start : words[end - 1].end]

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        return self._contexts[index], self._questions[index], self._targets[index]


def _target(item: SpanQuestion, words: Sequence[Token]) -> Tensor:
    answer = item.answers[0]
    span = covering_words(words, answer.start, answer.start + len(answer.text))
    return torch.tensor([span.start, span.end - 1])


class AnswerSpans(Recipe[Options, Prepared]):
    """Answers that are stretches of a text."""

    summary = "Answer questions with a stretch of their text: JSON in SQuAD's format."
    options_type = Options
    data_options: ClassVar[tuple[str, ...]] = ("test_data", "validation_data", "encoding")

    def prepare(self, options: Options, data: Path | None) -> Prepared:
        """Read and split the questions, and choose the vocabulary from the training part."""
        return _prepared(options, data, None)

    def prepare_like(
        self, options: Options, data: Path | None, known: Metadata, new_labels: bool = False
    ) -> Prepared:
        """As `prepare`, with the vocabulary of a network that is trained already."""
        return _prepared(options, data, known)

    def build(self, arguments: dict[str, Any]) -> SpanReader:
        """The network: both texts read in both directions, attention between them, and two scores a word."""
        return SpanReader(**arguments)

    def predict(self, model: nn.Module, batch: Any) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Scores of each word as the first and the last one of the answer, and where those are."""
        assert isinstance(model, SpanReader)
        context, question, target = batch
        return model.scores(context, question), target

    def loss(self, model: nn.Module, output: tuple[Tensor, Tensor], target: Tensor) -> Tensor:
        """Cross entropy of the first word and of the last one, summed."""
        start, end = output
        return F.cross_entropy(start, target[:, 0]) + F.cross_entropy(end, target[:, 1])

    def collate(self) -> Callable[[list[Any]], Any]:
        """Contexts filled up with zeros on the right; questions are filled up already."""
        return _padded

    def lengths(self, part: Dataset, options: Options) -> Sequence[int] | None:
        """Words of each context, so that those of like length share a batch."""
        return _questions(part).lengths

    def score(self, model: nn.Module, prepared: Prepared) -> dict[str, float]:
        """Exact match and F1 over words on the test part: the network's, and those of word overlap."""
        test = _questions(prepared.test)
        given = {"": answer(model, test), "/overlap": _overlaps(test)}
        scores = {}
        for suffix, texts in given.items():
            for name, measure in (("exact", exact_match), ("f1", token_f1)):
                found = [
                    measure(text, [right.text for right in item.answers])
                    for text, item in zip(texts, test.items, strict=True)
                ]
                scores[f"{name}{suffix}"] = sum(found) / len(found)
        return scores

    def write_details(self, model: nn.Module, prepared: Prepared, folder: Path) -> None:
        """Write answers.csv: answers to the questions of the test part, and what is right."""
        test, text = _questions(prepared.test), io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["question", "answer", "right", "f1"])
        for item, given in zip(test.items, answer(model, test), strict=True):
            right = [found.text for found in item.answers]
            writer.writerow([item.question, given, right[0], f"{token_f1(given, right):.4f}"])
        write_text(folder / DETAILS_FILE, text.getvalue())


@torch.no_grad()
def answer(model: nn.Module, part: Questions) -> list[str]:
    """What the network, or a file in its place, answers to each question of a part."""
    found: list[str] = []
    for numbers in torch.arange(len(part)).split(_SCORED_AT_ONCE):
        context, question, _ = _padded([part[int(n)] for n in numbers])
        result = model(context, question)
        start, end = result.values() if isinstance(result, dict) else result
        for n, first, last in zip(numbers.tolist(), start.numpy(), end.numpy(), strict=True):
            span = best_span(first[: part.lengths[n]], last[: part.lengths[n]], LONGEST_ANSWER)
            found.append(part.text(n, span.start, span.end))
    return found


def _overlaps(part: Questions) -> list[str]:
    found = []
    for n, (item, words) in enumerate(zip(part.items, part.words, strict=True)):
        asked = [word.text for word in tokens(item.question)]
        span = overlap_span([word.text for word in words], asked, _BASELINE_WORDS)
        found.append(part.text(n, span.start, span.end))
    return found


def _prepared(options: Options, data: Path | None, known: Metadata | None) -> Prepared:
    if data is None:
        raise InputError(
            "data: this recipe comes without data. Name yours with --data: a .json file in SQuAD's format."
        )
    split = _split(options, data)
    vocabulary = _vocabulary(options, split[0]) if known is None else known.vocabulary
    numbers, width = SpanNumbers(vocabulary), options.words_a_question
    train, validation, test = (Questions(part, numbers, width) for part in split)
    same = ("words_a_question", "embedding_size", "hidden_size", "cell", "dropout")
    return Prepared(
        train=train,
        validation=validation,
        test=test,
        arguments={
            "words": len(vocabulary),
            "unknown": UNKNOWN_NUMBERS,
            **{name: getattr(options, name) for name in same},
        },
        metadata=Metadata(task="answer-spans", vocabulary=vocabulary),
        source=f"{sum(map(len, split))} questions, {len(train)} of them to learn from, in {data}",
        fingerprint=digest(
            *((item.context, item.question, *((right.text, right.start) for right in item.answers))
              for part in split for item in part)
        ),
        example=_example(test, len(vocabulary)),
    )  # fmt: skip


def _split(options: Options, data: Path) -> tuple[list[SpanQuestion], ...]:
    """The training, validation and test part; no article is in two of them."""
    train = read_squad(data, options.encoding)
    articles = len({item.article for item in train})
    parts = []
    for name in ("test", "validation"):
        path = locate_data(getattr(options, f"{name}_data") or None)
        if path is not None:
            parts.append(read_squad(path, options.encoding))
            continue
        left = sorted({item.article for item in train})
        count = round(getattr(options, f"{name}_size") * articles)
        _, put = split_at_random(len(left), count, options.split_seed, name)
        aside = {left[n] for n in put}
        parts.append([item for item in train if item.article in aside])
        train = [item for item in train if item.article not in aside]
    test, validation = parts
    return train, validation, test


def _vocabulary(options: Options, items: Sequence[SpanQuestion]) -> tuple[str, ...]:
    """The words of the training part; each context counts once, however much is asked about it."""
    texts = {text: None for item in items for text in (item.context, item.question)}
    sentences = ([word.text for word in tokens(text)] for text in texts)
    return token_vocabulary(sentences, minimum_count=options.minimum_count, size=options.vocabulary_size)


def _padded(samples: list[Any]) -> tuple[Tensor, ...]:
    context, question, target = zip(*samples, strict=True)
    return pad_sequence(list(context), batch_first=True), torch.stack(question), torch.stack(target)


def _example(test: Questions, words: int) -> tuple[Tensor, ...]:
    """Real questions, and the least and the largest number, so that the manifest's range holds them all."""
    context, question, _ = _padded([test[n] for n in range(min(2, len(test)))])
    context = context.clone()
    context[0, 0] = question[0, 0] = words + UNKNOWN_NUMBERS - 1
    context[-1, -1] = question[-1, -1] = 0
    return context, question


def _questions(part: Dataset) -> Questions:
    assert isinstance(part, Questions)
    return part


RECIPE = AnswerSpans()
