"""Entities and their F1 against values counted by hand, and against nervaluate."""

from __future__ import annotations

import random
import sys

import pytest

from edgernn.errors import InputError
from edgernn.features.tags import Entity, entities
from edgernn.training.metrics.entities import entity_scores, scores_by_type


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("", []),
        ("O O", []),
        ("B-PER I-PER O B-LOC", [("PER", 0, 2), ("LOC", 3, 4)]),
        ("B-PER B-PER I-PER", [("PER", 0, 1), ("PER", 1, 3)]),
        ("I-PER I-PER O I-LOC I-ORG", [("PER", 0, 2), ("LOC", 3, 4), ("ORG", 4, 5)]),  # IO
        ("O I-PER B-PER", [("PER", 1, 2), ("PER", 2, 3)]),
        ("B-PER I-LOC", [("PER", 0, 1), ("LOC", 1, 2)]),
        ("B-group-a I-group-a", [("group-a", 0, 2)]),
    ],
)
def test_entities_of_tags(tags: str, expected: list[tuple[str, int, int]]) -> None:
    assert entities(tags.split()) == [Entity(*item) for item in expected]


def test_scores_by_hand() -> None:
    truth = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "O"], ["B-LOC", "O"]]
    # One right; one with a wrong end; one of a wrong type, which counts for both; nothing else.
    found = [["B-PER", "O", "O", "B-LOC"], ["O", "O"], ["B-ORG", "O"]]
    assert entity_scores(found, truth) == {
        "entity_precision": pytest.approx(1 / 3),
        "entity_recall": pytest.approx(1 / 3),
        "entity_f1": pytest.approx(1 / 3),
    }
    by_type = scores_by_type(found, truth)
    assert list(by_type) == ["LOC", "ORG", "PER"]
    assert by_type["LOC"] == {"precision": 1, "recall": 0.5, "f1": pytest.approx(2 / 3), "entities": 2}
    assert by_type["ORG"] == {"precision": 0, "recall": 0, "f1": 0, "entities": 0}


@pytest.mark.parametrize(("found", "truth"), [("O O", "B-X O"), ("B-X O", "O O"), ("O O", "O O"), ("", "")])
def test_nothing_found_or_nothing_there_is_zero(found: str, truth: str) -> None:
    assert set(entity_scores([found.split()], [truth.split()]).values()) == {0.0}


@pytest.mark.skipif(sys.version_info < (3, 11), reason="nervaluate needs Python 3.11")
@pytest.mark.parametrize("seed", range(3))
def test_as_nervaluate_counts(seed: int) -> None:
    """Its strict scores of random BIO tags: the same entities, counted by somebody else."""
    from nervaluate import Evaluator

    chosen = random.Random(seed)

    def sentence(length: int) -> list[str]:
        tags: list[str] = []
        while len(tags) < length:
            name = chosen.choice(["PER", "LOC", "O", "O"])
            if name == "O":
                tags.append("O")
            else:
                tags += [f"B-{name}"] + [f"I-{name}"] * chosen.randint(0, 2)
        return tags[:length]

    truth = [sentence(8) for _ in range(60)]
    found = [tags if chosen.random() < 0.4 else sentence(8) for tags in truth]
    strict = Evaluator(truth, found, tags=["PER", "LOC"], loader="list").evaluate()["overall"]["strict"]
    scores = entity_scores(found, truth)
    assert scores["entity_precision"] == pytest.approx(strict.precision)
    assert scores["entity_recall"] == pytest.approx(strict.recall)
    assert scores["entity_f1"] == pytest.approx(strict.f1)
    assert 0.2 < strict.f1 < 0.9


@pytest.mark.parametrize("tag", ["PER", "B-", "X-PER", "-PER", ""])
def test_other_tags_are_refused(tag: str) -> None:
    with pytest.raises(InputError, match="tags: expected O"):
        entities(["O", tag])


def test_sentences_that_do_not_pair_are_refused() -> None:
    with pytest.raises(InputError, match="sentence 0 has 2 tokens, found 1"):
        entity_scores([["O"]], [["O", "O"]])
    with pytest.raises(InputError, match="0 sentences found, 1 expected"):
        entity_scores([], [["O"]])
