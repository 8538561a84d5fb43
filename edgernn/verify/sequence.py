"""Checks of a sequence graph: other batches, lengths and thread counts than it was exported with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgernn.errors import InputError
from edgernn.runtime import Session
from edgernn.verify.inputs import InputMaker
from edgernn.verify.oracle import Oracle
from edgernn.verify.report import Check, compare

# (batch, steps): the second is counted from the fewest steps that the network takes, in its blocks of steps.
SIZES = ((1, 1), (2, 5), (7, 11), (1, 64))
_LONGEST = 2**20


def outputs_of(session: Session, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """The outputs as a list."""
    result = session.run(*inputs)
    return list(result.values()) if isinstance(result, dict) else [result]


def fixed_steps(session: Session) -> int | None:
    """The number of time steps of the graph; None where it is free."""
    for spec in session.inputs:
        size = None if spec.time_dim is None else spec.dims[spec.time_dim]
        if isinstance(size, int):
            return size
    return None


def least_steps(session: Session, oracle: Oracle, maker: InputMaker) -> int:
    """The fewest steps that the network takes, up to a power of two: a convolution wants its whole kernel.

    Never more than the example's, which it takes for certain.
    """
    steps = fixed_steps(session) or session.manifest.hop
    while (reason := _refusal(oracle, maker, steps)) is not None:
        most = (None if session.manifest.streaming else maker.example_steps) or _LONGEST
        if fixed_steps(session) is not None or steps >= most:
            shapes = [array.shape for array in maker.inputs(1, steps)]
            raise InputError(
                f"{oracle.name}: the module fails on inputs of the file's shapes, such as {shapes}: "
                f"{reason}. Is the file an export of this module?"
            )
        steps = min(2 * steps, most)
    return steps


def step_unit(session: Session, oracle: Oracle, maker: InputMaker, least: int) -> int:
    """What a number of steps is a multiple of: 1, or `least` where the network cuts its steps into blocks."""
    if fixed_steps(session) is not None or session.manifest.streaming:
        return 1
    return 1 if least == 1 or _refusal(oracle, maker, least + 1) is None else least


def _refusal(oracle: Oracle, maker: InputMaker, steps: int) -> str | None:
    """Why the network does not take so many steps; None where it does."""
    try:
        oracle.run(maker.inputs(1, steps))
    except RuntimeError as error:  # torch's way to refuse a shape
        return str(error)
    return None


def sizes_for(session: Session, least: int, unit: int) -> list[tuple[int, int]]:
    """Batches and steps to check, within what the graph takes."""
    free_batch = any("batch" in spec.dims for spec in session.inputs)
    fixed = fixed_steps(session)
    sizes = [(batch if free_batch else 1, fixed or least + (steps - 1) * unit) for batch, steps in SIZES]
    return list(dict.fromkeys(sizes))


def check_sequence(
    session: Session,
    other_threads: Session,
    oracles: list[Oracle],
    maker: InputMaker,
    tolerance: float,
    self_tolerance: float,
    scales: list[float],
) -> Iterator[Check]:
    """Compare the graph with each oracle at each size, and with itself on other threads."""
    least = least_steps(session, oracles[0], maker)
    unit = step_unit(session, oracles[0], maker, least)
    for batch, steps in sizes_for(session, least, unit):
        inputs = maker.inputs(batch, steps)
        found = outputs_of(session, inputs)
        detail = f"batch {batch}, {steps} steps"
        for oracle in oracles:
            name, expected = f"onnx = {oracle.name}", oracle.run(inputs)
            yield compare(name, detail, expected, found, tolerance, scales, count_integers=True)
        again = outputs_of(other_threads, inputs)
        name = "1 thread = 2 threads"
        yield compare(name, detail, found, again, self_tolerance, scales, count_integers=True)
