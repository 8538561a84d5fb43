"""A network of any shape, cut into any chunks, streams what torch computes for the whole sequence."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import edgernn
from tests.contracts.forms import TOLERANCE, difference

from .networks import PLANS, SCHEDULES, Plan

BROAD = Plan(
    symbols=True,
    blocks=(
        ("recurrent", "torch-gru-time-first", 2),
        ("residual", [("norm",), ("recurrent", "edgernn-gru", 1)]),
        ("beside", ("recurrent", "torch-lstm", 1), ("pointwise", "gate")),
        ("heads",),
    ),
    last=True,
)


def check(plan: Plan, schedule: list[int], recurrence: str, batch: int) -> None:
    torch.manual_seed(0)
    network = plan.make()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        edgernn.export(network, path, plan.inputs(1, 4), streaming=True, recurrence=recurrence, check=False)
        stream = edgernn.load(path).stream(batch)
        x = plan.inputs(batch, sum(schedule))
        end = 0
        for size in schedule:
            end += size
            found = stream.push(x[:, end - size : end].numpy())
            with torch.no_grad():
                so_far = network(x[:, :end]).numpy()
            # y[:, -1] in a stream: the same at every step, of which the last one is that of the whole.
            latest, wanted = (found[:, -1], so_far) if plan.last else (found, so_far[:, -size:])
            assert difference(latest, wanted) <= TOLERANCE, end


@pytest.mark.parametrize(
    ("last", "recurrence"),
    [
        (True, "auto"),
        (False, "scan"),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in ((False, "auto"), (True, "scan"))),
    ],
)
def test_a_broad_network(last: bool, recurrence: str) -> None:
    check(Plan(last, BROAD.blocks, last), [1, 4, 2, 7, 1], recurrence, 2)


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    plan=PLANS,
    schedule=SCHEDULES,
    recurrence=st.sampled_from(["auto", "scan", "loop"]),
    batch=st.integers(1, 3),
)
@example(BROAD, [3, 1, 5], "loop", 1)
def test_any_network(plan: Plan, schedule: list[int], recurrence: str, batch: int) -> None:
    check(plan, schedule, recurrence, batch)
