"""Inputs to time a file on, drawn as its manifest says, with numpy alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgernn.bench.contenders.base import Array
from edgernn.errors import InputError
from edgernn.manifest import Manifest
from edgernn.runtime.random_inputs import draw_input, fixed_length

DEFAULT_SEQUENCE_STEPS = 100


def steps_of(manifest: Manifest, steps: int | None) -> int:
    """Time steps of a call: `steps`, or else the file's chunk, its hop, or 100 for a sequence.

    Raises InputError where `steps` is no whole number from 1, or the file takes another number.
    """
    if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
        raise InputError(f"steps: expected a whole number from 1, found {steps!r}.")
    fixed = manifest.chunk or fixed_length(manifest)
    if steps is None:
        return fixed or (manifest.hop if manifest.streaming else DEFAULT_SEQUENCE_STEPS)
    if fixed is not None and steps != fixed:
        raise InputError(f"steps: the file takes {fixed} steps a call, found {steps}. Leave steps out.")
    if manifest.streaming and steps % manifest.hop:
        raise InputError(f"steps: must be a multiple of the file's hop, {manifest.hop}, found {steps}.")
    return steps


def draw_inputs(
    manifest: Manifest, batch: int, steps: int, random: np.random.Generator, examples: Sequence[Any] = ()
) -> list[Array]:
    """One array for each input.

    Args:
        manifest: the file's.
        batch: rows.
        steps: time steps.
        random: draws the values.
        examples: arrays or tensors, one an input, whose values are drawn from. Without: standard normal
            numbers, and integers between the manifest's minimum and maximum.

    Raises:
        InputError: where there are not as many examples as inputs.
    """
    if examples and len(examples) != len(manifest.inputs):
        raise InputError(
            f"example_inputs: {len(examples)} arrays for the file's {len(manifest.inputs)} inputs "
            f"({', '.join(spec.name for spec in manifest.inputs)})."
        )
    given: list[Array | None] = [np.asarray(example) for example in examples]
    return [
        draw_input(spec, batch, steps, random, values, full_length=True)
        for spec, values in zip(manifest.inputs, given or [None] * len(manifest.inputs), strict=True)
    ]
