"""Only what computes the same is worth comparing: contenders agree before they are timed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgernn.bench.contenders.base import Array, Contender
from edgernn.errors import ParityError

# No proof of parity, which is `edgernn.verify`'s, but a guard against timing two different networks. Relative
# to the largest output. Float32 sums in another order differ by less than 1e-5, a swapped gate by more than
# .1; rounded weights may come to some percent.
EXACT_DIFFERENCE = 1e-3
ROUNDED_DIFFERENCE = 0.1


def check_agree(
    contenders: Sequence[Contender], chunks: Sequence[Sequence[Array]], *, rounded: float = 0.0
) -> None:
    """Run every contender from its initial states over `chunks`, and compare it with the first.

    Args:
        contenders: reset before and after.
        chunks: the inputs of a few calls in a row, so that carried states are compared too.
        rounded: what rounded weights may cost, where that is more than they usually do.

    Raises:
        ParityError: naming the first that computes something else than the first contender.
    """
    first = contenders[0]
    expected = _outputs(first, chunks)
    for other in contenders[1:]:
        exact = first.exact and other.exact
        allowed = EXACT_DIFFERENCE if exact else max(ROUNDED_DIFFERENCE, rounded)
        for number, (mine, theirs) in enumerate(zip(expected, _outputs(other, chunks), strict=True), 1):
            difference = _relative_difference(mine, theirs)
            if not difference <= allowed:
                raise ParityError(
                    f"{other.name!r} does not compute what {first.name!r} computes: outputs of call {number} "
                    f"differ by {difference:.2g} of the largest value, allowed {allowed:g}. Times of two "
                    "different functions say nothing. Check that both come from the same weights, with "
                    "edgernn verify."
                )


def _outputs(contender: Contender, chunks: Sequence[Sequence[Array]]) -> list[list[Array]]:
    contender.reset()
    found = [[np.array(array) for array in contender.outputs(contender.call(*chunk))] for chunk in chunks]
    contender.reset()
    return found


def _relative_difference(expected: Sequence[Array], found: Sequence[Array]) -> float:
    """The largest over outputs; infinite where shapes differ, NaN where a value is NaN.

    Of integers, such as labels, it is the share that differs.
    """
    if [array.shape for array in expected] != [array.shape for array in found]:
        return float("inf")
    worst = [0.0]
    for mine, theirs in zip(expected, found, strict=True):
        if mine.size and mine.dtype.kind in "iub":
            worst.append(float((mine != theirs).mean()))
        elif mine.size:
            scale = float(np.abs(mine).max()) or 1.0
            worst.append(float(np.abs(theirs.astype(np.float64) - mine.astype(np.float64)).max()) / scale)
    return float(np.max(worst))
