"""The table of measured scores: nothing in it that no contract asks for, and a miss is told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgernn.training.contract import Benchmark

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture
def score_recipes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(TOOLS)
    monkeypatch.delitem(sys.modules, "score_recipes", raising=False)
    import score_recipes

    return score_recipes


def test_every_score_is_of_a_benchmark(score_recipes) -> None:
    asked = {f"{recipe}: {benchmark.name}": benchmark for recipe, benchmark in score_recipes.benchmarks()}
    measured = score_recipes.read_scores()
    assert set(measured) <= set(asked)
    for key, found in measured.items():
        assert len(found.values) == asked[key].seeds
        assert found.score == asked[key].score


def test_a_miss_is_told(score_recipes, monkeypatch: pytest.MonkeyPatch) -> None:
    goals = (Benchmark("a", "", "accuracy", at_least=0.8), Benchmark("b", "", "rmse", at_most=2.0))
    monkeypatch.setattr(score_recipes, "benchmarks", lambda: iter([("r", goal) for goal in goals]))

    def table(first: float, second: float) -> str:
        values = {"a": (first,), "b": (second,)}
        known = {
            f"r: {goal.name}": score_recipes.Measured(
                "r", goal.name, goal.score, values[goal.name], 5, 60.0, "2026-01-01"
            )
            for goal in goals
        }
        monkeypatch.setattr(score_recipes, "read_scores", lambda: known)
        return "\n".join(score_recipes.score_lines())

    assert "missed" not in table(0.8, 2.0)
    assert "≥ 0.8, **missed**" in table(0.799, 2.0)
    assert "≤ 2, **missed**" in table(0.8, float("nan"))
