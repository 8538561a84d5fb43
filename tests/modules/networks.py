"""What the tests of users' modules share: running both, comparing them, drawing inputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import edgernn
from edgernn.capture import flatten_outputs

# The same sums in another order, relative to the largest value of the output.
TOLERANCE = 1e-5


def wanted_of(module: nn.Module, inputs: Sequence[Tensor]) -> dict[str, np.ndarray]:
    """What torch gives, by output name."""
    with torch.no_grad():
        return {name: tensor.numpy() for name, tensor in flatten_outputs(module.eval()(*inputs))}


def found_by(session: edgernn.runtime.Session, inputs: Sequence[Tensor]) -> dict[str, np.ndarray]:
    """What the file gives, by output name."""
    result = session.run(*(tensor.numpy() for tensor in inputs))
    return result if isinstance(result, dict) else {session.outputs[0].name: result}


def assert_same_as_torch(path: Path, module: nn.Module, *calls: Sequence[Tensor]) -> None:
    """The file gives what the module gives for each tuple of inputs: every output, every final state."""
    session = edgernn.load(path)
    taken = {spec.name for spec in session.inputs}
    for inputs in calls:
        found = found_by(session, inputs)
        wanted = {
            f"{name}_out" if name in taken else name: value
            for name, value in wanted_of(module, inputs).items()
        }
        assert list(found) == list(wanted)
        shapes = [tuple(tensor.shape) for tensor in inputs]
        for name, value in found.items():
            assert value.shape == wanted[name].shape, (name, shapes)
            assert value.dtype == wanted[name].dtype, (name, shapes)
            scale = max(float(np.abs(wanted[name]).max(initial=0.0)), 1e-3)
            # A NaN is in no bound.
            assert bool((np.abs(value - wanted[name]) <= TOLERANCE * scale).all()), (name, shapes)


def export(module: nn.Module, path: Path, *inputs: Tensor, **options: Any) -> edgernn.Manifest:
    """Export without the checks, which the tests make themselves."""
    options = {"check": False, **options}
    return edgernn.export(module, path, inputs, **options)


def lengths_of(batch: int, steps: int, *, longest: bool = True) -> Tensor:
    """Unequal numbers of steps, unsorted; `longest`: whether one row has all steps."""
    lengths = torch.randint(1, steps, (batch,)) if steps > 1 else torch.ones(batch, dtype=torch.int64)
    if longest:
        lengths[batch // 2] = steps
    return lengths
