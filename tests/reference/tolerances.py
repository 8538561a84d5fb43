"""How far two computations of the same thing may differ, and why. Every comparison here uses one of these."""

from __future__ import annotations

# Two float64 evaluations of the same equations. They differ only in the order of their sums: some ten
# rounding errors of 2.2e-16 a step, over at most a few dozen steps, relative to the largest value.
SAME_EQUATIONS = 1e-12

# A hand-written gradient against central differences of a loss of about 1 to 100. A difference of step 6e-6
# is truncated at about 4e-11 times the third derivative, and rounds by 2.2e-16 * 100 / 6e-6 = 4e-9.
FINITE_DIFFERENCES = 1e-7

# What a negative control must exceed: a missing term or a swapped gate is no rounding error. The values are
# drawn such that gradients are about 1, so a wrong one is off by a good part of that.
CLEARLY_WRONG = 1e-3
