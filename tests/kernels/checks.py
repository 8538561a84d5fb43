"""Comparing what kernels give with what they must give."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from edgernn.verify.tolerances import tolerance

from .cases import Layer, Outputs, expected, rounded

# Activations are off by up to 1.5e-7, and sums in float32 by as much: measured up to 6e-7 over 80 steps.
FLOAT32 = 1e-6


def largest_error(found: Outputs, wanted: Outputs) -> float:
    """The largest difference, relative to the largest value where that is above 1."""
    errors = [
        float(np.abs(a - b).max(initial=0.0)) / max(1.0, float(np.abs(b).max(initial=0.0)))
        for a, b in zip(found, wanted, strict=True)
    ]
    return max(errors)


def check_close(layers: Iterable[Layer], found: Iterable[Outputs], *, scheme: str) -> None:
    """Every answer must be what the reference gives in float64, within what the scheme is allowed.

    Four bits change small layers of random weights a lot, so int4 is held against the weights that it stands
    for; what is left are inputs and states, rounded as those of int8.
    """
    allowed = FLOAT32 if scheme == "float32" else tolerance("float32", "int8")
    for layer, answer in zip(layers, found, strict=True):
        stored = rounded(layer, scheme) if scheme.startswith("int4") else layer
        error = largest_error(answer, expected(stored))
        assert error <= allowed, f"{layer.name}: off by {error:.2g}, allowed {allowed:g}"


def check_equal(layers: Iterable[Layer], found: Iterable[Outputs], other: Iterable[Outputs]) -> None:
    """Both must hold the same bits, where they are numbers."""
    for layer, a, b in zip(layers, found, other, strict=True):
        for one, two in zip(a, b, strict=True):
            numbers = ~np.isnan(one)
            assert np.array_equal(numbers, ~np.isnan(two)), layer.name
            assert one[numbers].tobytes() == two[numbers].tobytes(), layer.name
