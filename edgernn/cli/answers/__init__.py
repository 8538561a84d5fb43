"""What files of a task make of lines of text: one module a task, found by its name (ner, text_classify).

A file of it has `answers(session, lines)`, a generator that yields an `Answer` as soon as it has one, before
the next line is read. Of a task without labels it says `NEEDS_LABELS = False`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from edgernn.cli.by_task import module_for

if TYPE_CHECKING:
    from edgernn.manifest import Manifest
    from edgernn.runtime import Session


@dataclass(frozen=True)
class Answer:
    """One answer: what `--json` prints, and what people read."""

    data: dict[str, Any]
    text: str


Answers = Callable[["Session", Iterator[str]], Iterator[Answer]]


def find_answers(manifest: Manifest) -> Answers | None:
    """What answers lines of text for a file; None where its lines are numbers."""
    module = answers_for(manifest.task) if manifest.vocabulary else None
    if module is None or (not manifest.labels and getattr(module, "NEEDS_LABELS", True)):
        return None
    found: Answers = module.answers
    return found


def answers_for(task: str) -> ModuleType | None:
    """The module that answers lines of text for a task; None where there is none."""
    return module_for(__name__, task)
