"""Lines of text through a model that labels texts: each is answered before the next is read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from edgernn.cli.outcome import print_json
from edgernn.errors import InputError

if TYPE_CHECKING:
    from edgernn.runtime import Session

TASK = "text-classify"


def labels_texts(session: Session) -> bool:
    """Whether lines from standard input are texts to this model, and no numbers."""
    manifest = session.manifest
    return manifest.task == TASK and bool(manifest.labels) and bool(manifest.vocabulary)


def answer_texts(session: Session, json: bool) -> None:
    """Read a text a line from standard input, and print its label and the label's probability.

    Raises:
        InputError: where there are no lines.
    """
    from edgernn.features.symbols import Symbols

    symbols, labels = Symbols(session.manifest.vocabulary), session.manifest.labels
    count = 0
    for line in iter(sys.stdin.readline, ""):
        if not line.strip():
            continue
        count += 1
        ids = np.array([symbols.encode(line.strip())], dtype=np.int64)
        result = session.run(ids)
        scores = next(iter(result.values())) if isinstance(result, dict) else result
        best = int(scores[0].argmax())
        if json:
            named = {label: float(score) for label, score in zip(labels, scores[0], strict=True)}
            print_json({"label": labels[best], "probabilities": named})
        else:
            sys.stdout.write(f"{labels[best]}\t{scores[0, best]:.4f}\n")
        sys.stdout.flush()
    if not count:
        raise InputError("input: standard input holds no lines.")
