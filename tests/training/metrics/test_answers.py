from __future__ import annotations

import pytest

from edgernn.training.metrics.answers import exact_match, token_f1


@pytest.mark.parametrize(
    ("given", "answers", "exact", "f1"),
    [
        ("The Żary town!", ["a żary town"], 1, 1),
        ("red drum", ["the red drum of Ada", "blue"], 0, 2 * 1 * 0.5 / 1.5),
        ("blue", ["the red drum", "blue"], 1, 1),
        ("red red", ["red drum"], 0, 0.5),
        ("…", ["—"], 1, 1),
        ("…", ["one"], 0, 0),
        ("drum", ["bell"], 0, 0),
    ],
)
def test_answers_are_scored(given: str, answers: list[str], exact: float, f1: float) -> None:
    assert exact_match(given, answers) == exact
    assert token_f1(given, answers) == pytest.approx(f1)
