"""Every cell in every form: the modules that are exported, and how files are compared with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgernn import Recurrent
from edgernn.capture import flatten_outputs
from edgernn.runtime import Session

FORMS = ("op", "scan", "loop", "unrolled")

# The same sums in another order, relative to the largest value of the output.
TOLERANCE = 1e-5

STATE_DIMS = (None, "batch", None)

# How long the sequences are that streams are fed with.
STREAM_STEPS = 24


class EveryCall(nn.Module):
    """One recurrent layer, called in every way there is: with and without states, with and without lengths.

    All calls share the weights, so a file that mixes up two of them cannot go unnoticed.
    """

    def __init__(self, recurrent: Recurrent) -> None:
        super().__init__()
        self.recurrent = recurrent

    def forward(self, x: Tensor, lengths: Tensor, h: Tensor, c: Tensor | None = None) -> dict[str, Any]:
        state = (h,) if c is None else (h, c)
        calls = {
            "plain": self.recurrent(x),
            "from_state": self.recurrent(x, state),
            "with_lengths": self.recurrent(x, None, lengths),
            "from_state_with_lengths": self.recurrent(x, state, lengths),
        }
        outputs: dict[str, Any] = {}
        for name, (y, final) in calls.items():
            outputs[name] = y
            for state_name, part in zip(self.recurrent.state_names, final, strict=True):
                outputs[f"{name}_{state_name}"] = part
        return outputs

    def inputs(self, batch: int, steps: int, seed: int = 0) -> tuple[Tensor, ...]:
        """Random input, lengths of which one is the whole, and states that are not zero."""
        random = torch.Generator().manual_seed(seed)
        x = torch.randn(batch, steps, self.recurrent.input_size, generator=random)
        lengths = torch.randint(1, steps + 1, (batch,), generator=random)
        lengths[seed % batch] = steps
        states = [
            torch.rand(part.shape, generator=random) * 2 - 1 for part in self.recurrent.initial_state(batch)
        ]
        return (x, lengths, *states)

    @property
    def dims(self) -> dict[str, tuple[str | None, ...]]:
        return dict.fromkeys(("h", "c")[: len(self.recurrent.state_names)], STATE_DIMS)


class Head(nn.Module):
    """What most users have: recurrent layers and a linear layer on every step."""

    def __init__(self, recurrent: nn.Module, hidden: int, outputs: int = 2) -> None:
        super().__init__()
        self.recurrent = recurrent
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.recurrent(x)
        return self.head(y)


def expected(module: nn.Module, inputs: Sequence[Tensor]) -> dict[str, np.ndarray]:
    """What torch gives, by output name."""
    with torch.no_grad():
        return {name: tensor.numpy() for name, tensor in flatten_outputs(module.eval()(*inputs))}


def run(session: Any, inputs: Sequence[Tensor]) -> dict[str, np.ndarray]:
    """What the file gives, by output name."""
    result = session.run(*(tensor.numpy() for tensor in inputs))
    return result if isinstance(result, dict) else {session.outputs[0].name: result}


def difference(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference, relative to the largest wanted value; shapes and dtypes must be equal."""
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype
    error = np.abs(found.astype(np.float64) - wanted)
    return float(error.max() / max(np.abs(wanted).max(), 1e-3))


def assert_same(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray], where: object) -> None:
    """Every output is the wanted one; a NaN is not."""
    assert list(found) == list(wanted)
    for name, value in found.items():
        assert difference(value, wanted[name]) <= TOLERANCE, (where, name)


def schedules(chunk: int | None) -> list[list[int]]:
    """Ways to cut STREAM_STEPS steps."""
    if chunk is not None:
        return [[chunk] * (STREAM_STEPS // chunk)]
    random = np.random.default_rng(STREAM_STEPS)
    cuts = [sorted(random.choice(range(1, STREAM_STEPS), 6, replace=False)) for _ in range(3)]
    return [[size] * (STREAM_STEPS // size) for size in (1, 3, 8, STREAM_STEPS)] + [
        np.diff([0, *cut, STREAM_STEPS]).tolist() for cut in cuts
    ]


def push_all(
    session: Session, x: np.ndarray, schedule: list[int]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    stream = session.stream(len(x))
    ends = np.cumsum(schedule)
    y = [stream.push(x[:, end - size : end]) for size, end in zip(schedule, ends, strict=True)]
    return np.concatenate(y, axis=1), stream.states
