from __future__ import annotations

import pytest
import torch

from edgernn.training.schedule import plateau_factor, step_factor

STEPS = 40


def rates(schedule: torch.optim.lr_scheduler.LRScheduler, optimizer: torch.optim.Optimizer) -> list[float]:
    found = []
    for _ in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def sgd() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)


def test_cosine_is_torchs() -> None:
    optimizer = sgd()
    theirs = rates(torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS - 1), optimizer)
    assert [step_factor("cosine", n, STEPS) for n in range(STEPS)] == pytest.approx(theirs, abs=1e-12)


def test_one_cycle_is_torchs() -> None:
    optimizer = sgd()
    # torch rounds the warm-up to whole steps; 11 of 40 - 1 is no round share, so give it one.
    steps = 41
    theirs = []
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1.0, total_steps=steps, pct_start=13 / 41, cycle_momentum=False,
        div_factor=25, final_div_factor=1e5 / 25,
    )  # fmt: skip
    for _ in range(steps):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(theirs) < steps:
            schedule.step()
    ours = [step_factor("one-cycle", n, steps) for n in range(steps)]
    assert ours == pytest.approx(theirs, abs=1e-9)


def test_constant_is_constant() -> None:
    assert {step_factor("constant", n, STEPS) for n in range(STEPS)} == {1.0}


@pytest.mark.parametrize(
    ("losses", "factor"),
    [
        ([], 1.0),
        ([3, 2, 1], 1.0),
        ([3, 3], 1.0),
        ([3, 3, 3], 0.5),
        ([3, 3, 3, 3], 0.5),
        ([3, 4, 4, 4, 4], 0.25),
        ([3, 4, 4, 2, 4], 0.5),
    ],
)
def test_plateau_halves_after_each_two_epochs_without_a_better_loss(
    losses: list[float], factor: float
) -> None:
    assert plateau_factor(losses, patience=2) == factor
