"""A text a line: its label and the label's probability."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from edgernn.cli.answers import Answer
from edgernn.features.symbols import Symbols

if TYPE_CHECKING:
    from edgernn.runtime import Session


def answers(session: Session, lines: Iterator[str]) -> Iterator[Answer]:
    """An answer to each line that is not empty."""
    symbols, labels = Symbols(session.manifest.vocabulary), session.manifest.labels
    for line in lines:
        if not line.strip():
            continue
        ids = np.array([symbols.encode(line.strip())], dtype=np.int64)
        result = session.run(ids)
        scores = next(iter(result.values())) if isinstance(result, dict) else result
        best = int(scores[0].argmax())
        named = {label: float(score) for label, score in zip(labels, scores[0], strict=True)}
        yield Answer(
            {"label": labels[best], "probabilities": named}, f"{labels[best]}\t{scores[0, best]:.4f}"
        )
