"""Lines of text through a model that takes texts: each is answered before the next is read."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from edgernn.cli.outcome import print_json
from edgernn.errors import InputError

if TYPE_CHECKING:
    from edgernn.cli.answers import Answers


def answer_texts(session: Any, answers: Answers, json: bool) -> None:
    """Read lines from standard input, and print what the model says of them.

    Args:
        session: what `answers` takes: a session, or a network of several.
        answers: see `edgernn.cli.answers`.
        json: whether answers are printed as JSON.

    Raises:
        InputError: where there is no text.
    """
    count = 0
    for answer in answers(session, _read_lines()):
        count += 1
        if json:
            print_json(answer.data)
        else:
            sys.stdout.write(answer.text + "\n")
        sys.stdout.flush()
    if not count:
        raise InputError("input: standard input holds no text.")


def _read_lines() -> Iterator[str]:
    # readline, not the file's own iteration, which may read ahead and answer late.
    return iter(sys.stdin.readline, "")
