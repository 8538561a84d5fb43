from __future__ import annotations

from pathlib import Path

import pytest

from edgernn.training.option_search import picture
from edgernn.training.option_search.report import SearchReport, Trial


def test_every_trial_stands_in_every_panel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = [(1e-4, "gru", True), (1e-2, "rnn", False), (1e-3, "gru", True), (2e-3, "rnn", True)]
    losses = [0.9, 0.2, 1.5, None]
    states = ["complete", "complete", "pruned", "failed"]
    trials = tuple(
        Trial(
            n,
            dict(zip(("learning_rate", "cell", "flag"), tried[n], strict=True)),
            states[n],
            losses[n],
            3,
            "",
        )
        for n in range(4)
    )
    drawn = []
    monkeypatch.setattr(picture, "save_figure", lambda canvas, path: drawn.append(canvas))
    picture.draw_search(SearchReport("r", "", "", trials, 1, {}), tmp_path / "search.png")
    panels = drawn[0].axes
    assert [panel.get_xlabel() for panel in panels] == ["learning rate", "cell", "flag"]
    assert [panel.get_xscale() for panel in panels] == ["log", "linear", "linear"]
    assert [label.get_text() for label in panels[1].get_xticklabels()] == ["gru", "rnn"]
    points = {
        dots.get_label(): [tuple(float(v) for v in point) for point in dots.get_offsets()]
        for dots in panels[1].collections
    }
    assert points == {"complete": [(0.0, 0.9)], "ended early": [(0.0, 1.5)], "best": [(1.0, 0.2)]}
