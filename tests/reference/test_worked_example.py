"""The worked example prints what PyTorch computes from the same numbers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from .tolerances import FINITE_DIFFERENCES

SCRIPT = Path(__file__).parents[2] / "examples" / "worked_example.py"


@pytest.fixture(scope="module")
def printed() -> str:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", str(SCRIPT)], capture_output=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module")
def expected() -> Any:
    """h, y, the loss, its gradients, and the loss after an update, written anew in PyTorch."""
    leaves = {
        "W_x": [[0.5, 0.6], [0.7, 0.8]],
        "W_h": [[0.1, 0.2], [0.3, 0.4]],
        "b": [0.1, 0.2],
        "W_y": [[0.1, 0.2], [0.3, 0.4]],
        "b'": [0.1, 0.2],
        "h_0": [0.1, 0.2],
        "x": [[1.0, 2.0], [2.0, 3.0], [3.0, 4.0], [4.0, 5.0]],
    }
    values = {
        name: torch.tensor(value, dtype=torch.float64, requires_grad=True) for name, value in leaves.items()
    }
    target = torch.tensor([[2.0, 3.0], [3.0, 4.0], [4.0, 5.0], [5.0, 6.0]])

    def forward(v: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        h, hidden = v["h_0"], []
        for x_t in v["x"]:
            h = torch.sigmoid(v["W_h"] @ h + v["W_x"] @ x_t + v["b"])
            hidden.append(h)
        y = torch.stack([torch.sigmoid(v["W_y"] @ h + v["b'"]) for h in hidden])
        return torch.stack(hidden), y, 0.5 * ((y - target) ** 2).sum()

    h, y, loss = forward(values)
    loss.backward()
    fixed = ("h_0", "x")
    after = {name: v.detach() - (0 if name in fixed else 0.1) * v.grad for name, v in values.items()}
    return SimpleNamespace(
        h=h.detach().numpy(),
        y=y.detach().numpy(),
        loss=loss.item(),
        gradients={name: v.grad.numpy() for name, v in values.items()},
        after={name: after[name].numpy() for name in leaves if name not in fixed},
        loss_after=forward(after)[2].item(),
    )


def vectors(values: np.ndarray) -> list[str]:
    """The rows as the script prints them."""
    return [f"({', '.join(f'{value:.6f}' for value in row)})" for row in values.reshape(-1, 2)]


def line_starting(text: str, start: str) -> str:
    """The one line that starts so."""
    (line,) = [line.strip() for line in text.splitlines() if line.strip().startswith(start)]
    return line


def test_every_step_is_printed_right(printed: str, expected: Any) -> None:
    for t, (h, y) in enumerate(zip(vectors(expected.h), vectors(expected.y), strict=True)):
        inputs = f"({t + 1}, {t + 2})"
        target = f"({t + 2}, {t + 3})"
        row = [part for part in line_starting(printed, f"{t + 1}  (").split("  ") if part]
        assert [part.strip() for part in row] == [str(t + 1), inputs, target, h, y]
    assert f"= {expected.loss:.6f}\n" in printed


def test_every_gradient_is_printed_right(printed: str, expected: Any) -> None:
    for name, gradient in expected.gradients.items():
        assert line_starting(printed, f"dL/d{name} ").endswith("  ".join(vectors(gradient)))


def test_the_update_is_printed_right_and_the_loss_falls(printed: str, expected: Any) -> None:
    update = printed[printed.index("Update:") :]
    for name, value in expected.after.items():
        assert line_starting(update, f"{name} ").endswith("  ".join(vectors(value)))
    assert f"loss before {expected.loss:.6f}, after {expected.loss_after:.6f}" in update
    assert 42 < expected.loss_after < expected.loss


def test_the_gradient_check_tells_right_from_wrong(printed: str) -> None:
    check = printed[printed.index("Gradient check") : printed.index("  Allowed is")]
    for name in ("W_x", "W_h", "b", "h_0", "x"):
        _, full, forgetful, verdict = line_starting(check, f"{name} ").split()
        assert float(full) < FINITE_DIFFERENCES
        # The units are nearly saturated here, so the missing term is small; and still far too large to pass.
        assert float(forgetful) > 100 * FINITE_DIFFERENCES
        assert verdict == "wrong"
    for name in ("W_y", "b'"):
        _, full, forgetful, verdict = line_starting(check, f"{name} ").split()
        assert max(float(full), float(forgetful)) < FINITE_DIFFERENCES
        assert verdict == "right"
    assert "full passes, without the recurrent term fails, as it should" in printed


def test_the_tutorials_figures_stand_beside_the_right_ones(printed: str, expected: Any) -> None:
    table = printed[printed.index("Where the tutorial") : printed.index("Backward:")]
    h, y = vectors(expected.h), vectors(expected.y)
    figures = {
        "h_1": (1.5, 0.8, h[0]),
        "y_1": (0.57, 0.55, y[0]),
        "h_2": (2.64, 0.84, h[1]),
        "y_2": (0.616, 0.58, y[1]),
    }
    for name, (total, figure, right) in figures.items():
        row = line_starting(table, f"{name} ")
        assert f") = {figure} " in row
        assert f" {1 / (1 + np.exp(-total)):.4f} " in row
        assert row.endswith(right)
