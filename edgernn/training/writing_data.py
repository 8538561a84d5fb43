"""Where the drawings of a recipe that reads handwriting come from, and which of them are learned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgernn.errors import InputError
from edgernn.training.classification import ClassifierOptions
from edgernn.training.options import option
from edgernn.training.pen_letters import write_samples
from edgernn.training.recipe import locate_data
from edgernn.training.splits import split_at_random, split_labelled
from edgernn.training.writings import Writing, read_writings, split_writers, writers_fold

# Hands that write where there are no data.
_PENS = 40


@dataclass(frozen=True)
class WritingOptions(ClassifierOptions):
    """Options of recipes that learn from drawings, or for want of any from what pens of our own write."""

    kind: Literal["auto", "characters", "texts"] = option(
        "auto", "characters: each drawing is one of some; texts: letter by letter; auto: as the labels are."
    )
    label_pattern: str = option(
        "", "Of a folder: expression whose first group in a file's name is the label."
    )
    writer_pattern: str = option("", "Of a folder: the same for who wrote it.")
    test_fold: str = option(
        "", "2/5: the test part is what the second of five groups of writers wrote, in place of a share."
    )
    words: tuple[str, ...] = option(
        (), "Without data: words that this recipe writes with pens of its own; empty: digits."
    )


@dataclass(frozen=True)
class Parts:
    """The drawings that are learned from, that choose the epoch and that are scored.

    Attributes:
        where: which data these are.
        apart: whether the writers of a part are in no other.
    """

    train: Sequence[Writing]
    validation: Sequence[Writing]
    test: Sequence[Writing]
    where: str
    apart: bool

    @property
    def all(self) -> tuple[Sequence[Writing], ...]:
        """The three."""
        return self.train, self.validation, self.test

    def told(self, what: str) -> str:
        """Which data these are, in one sentence."""
        count = sum(map(len, self.all))
        writers = len({item.writer for part in self.all for item in part} - {""})
        told = f"{count} {what} {self.where}"
        if not writers:
            return f"{told}; who wrote them is not known, so a writer may be in every part"
        unseen = len({item.writer for item in self.test})
        held = f"{unseen} of them in the test part alone" if self.apart else "who may be in every part"
        return f"{told} by {writers} writers, {held}"


def read_parts(options: WritingOptions, data: Path | None) -> Parts:
    """Read the drawings and split them: by their writers, where these are known.

    Raises:
        InputError: the data are missing or broken, or cannot be split as the options say.
    """
    if data is not None and options.words:
        raise InputError(
            "option words: these are written where there are no data; leave out the data, or it."
        )

    def read(path: Path) -> list[Writing]:
        return read_writings(
            path, label_pattern=options.label_pattern, writer_pattern=options.writer_pattern,
            encoding=options.encoding,
        )  # fmt: skip

    def other(name: str) -> list[Writing]:
        path = locate_data(name)
        assert path is not None
        return read(path)

    if data is None:
        found = write_samples(options.words or tuple("0123456789"), _PENS, options.split_seed)
        where = "that this recipe writes with pens of its own, for want of yours (name them with --data),"
    else:
        found, where = read(data), f"in {data}"

    def aside(items: list[Writing], name: str, what: str) -> tuple[list[Writing], list[Writing]]:
        share = options.test_size if what == "test" else options.validation_size
        if name:
            return items, other(name)
        if what == "test" and options.test_fold:
            return writers_fold(items, options.test_fold)
        if all(item.writer for item in items):
            return split_writers(items, share, options.split_seed, what)
        if are_characters(options, items):
            parts = split_labelled([item.label for item in items], share, options.split_seed, what)
        else:
            parts = split_at_random(len(items), round(share * len(items)), options.split_seed, what)
        return [items[n] for n in parts[0]], [items[n] for n in parts[1]]

    rest, test = aside(found, options.test_data, "test")
    train, validation = aside(rest, options.validation_data, "validation")
    writers = [{item.writer for item in part} for part in (train, validation, test)]
    known = all("" not in names for names in writers)
    return Parts(train, validation, test, where, known and not writers[2] & (writers[0] | writers[1]))


def are_characters(options: WritingOptions, items: Sequence[Writing]) -> bool:
    """Whether each drawing is one of some characters or signs, and not a text."""
    if options.kind != "auto":
        return options.kind == "characters"
    return all(item.named or len(item.label) == 1 for item in items)
