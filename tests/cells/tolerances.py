"""How far two computations of the same step or sequence may differ."""

from __future__ import annotations

# float64, the same sums in another order, some dozens of steps.
DOUBLE = {"rtol": 1e-10, "atol": 1e-12}

# float32, likewise: rounding of 6e-8 a step.
SINGLE = {"rtol": 1e-5, "atol": 1e-6}

# float32 sums of a thousand products of standard normal numbers in another order.
LARGE_SUMS = {"rtol": 1e-4, "atol": 1e-4}

# bfloat16, whose numbers have three digits: a few steps.
HALF = {"rtol": 0.1, "atol": 0.1}

# float32 gradients of sixty steps of a hundred units, relative to the largest.
MANY_STEPS = {"rtol": 0.0, "atol": 1e-5}
