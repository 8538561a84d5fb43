"""Entities in tagged sequences, and how many of them are found (entity F1).

The rule is that of CoNLL's `conlleval` and of seqeval: an entity counts where its type, its first and its
last token are all right, and tags that break the scheme are read as far as they go. seqeval has had no
release since 2020, comes as source alone and brings scikit-learn, and nervaluate needs Python 3.11, so the
rule stands here; tests hold it against nervaluate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from edgernn.errors import InputError
from edgernn.features.tags import entities


def entity_scores(found: Sequence[Sequence[str]], truth: Sequence[Sequence[str]]) -> dict[str, float]:
    """Precision, recall and F1 over all entities (micro): `entity_precision`, `entity_recall`, `entity_f1`.

    Each is 0 where nothing was found, or nothing was there to find.

    Args:
        found, truth: tags of each sentence.

    Raises:
        InputError: sentences of different lengths, or one that is no tag.
    """
    total = sum(_counts(found, truth).values(), Counter())
    return {f"entity_{name}": value for name, value in _scores(total).items()}


def scores_by_type(
    found: Sequence[Sequence[str]], truth: Sequence[Sequence[str]]
) -> dict[str, dict[str, float]]:
    """`precision`, `recall`, `f1` and `entities` (how many there are) of each type, sorted by its name."""
    counts = _counts(found, truth)
    return {name: {**_scores(counts[name]), "entities": counts[name]["true"]} for name in sorted(counts)}


def _counts(found: Sequence[Sequence[str]], truth: Sequence[Sequence[str]]) -> dict[str, Counter[str]]:
    """Of each type: how many entities there are ("true"), were found ("said"), and were found right."""
    if len(found) != len(truth):
        raise InputError(f"tags: {len(found)} sentences found, {len(truth)} expected.")
    counts: dict[str, Counter[str]] = {}
    for number, (said, true) in enumerate(zip(found, truth, strict=True)):
        if len(said) != len(true):
            raise InputError(f"tags: sentence {number} has {len(true)} tokens, found {len(said)} tags.")
        true_ones, said_ones = set(entities(true)), set(entities(said))
        for what, those in (("true", true_ones), ("said", said_ones), ("right", true_ones & said_ones)):
            for entity in those:
                counts.setdefault(entity.kind, Counter())[what] += 1
    return counts


def _scores(counts: Counter[str]) -> dict[str, float]:
    right, said, true = counts["right"], counts["said"], counts["true"]
    return {
        "precision": right / said if said else 0.0,
        "recall": right / true if true else 0.0,
        "f1": 2 * right / (said + true) if said + true else 0.0,
    }
