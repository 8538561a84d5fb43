"""How far two computations of the same step or sequence may differ."""

from __future__ import annotations

# float64, the same sums in another order, some dozens of steps.
DOUBLE = {"rtol": 1e-10, "atol": 1e-12}

# float32, likewise: rounding of 6e-8 a step.
SINGLE = {"rtol": 1e-5, "atol": 1e-6}
