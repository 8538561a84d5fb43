"""A budget as text: which number of the quantized network may be how large, or must be how large."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgernn.errors import InputError

if TYPE_CHECKING:
    from edgernn.quantize.report import OutputError

# What a budget may say of the outputs' error → the field of `OutputError`.
ERRORS = {"max-error": "max_abs", "mean-error": "mean_abs", "relative-error": "relative"}
_TEXT = re.compile(r"\s*([A-Za-z][\w./-]*)\s*(<=|>=|≤|≥|=)\s*(\S+)\s*")
_HELP = (
    f"Write {', '.join(f'{name}=0.01' for name in ERRORS)} for the error of the outputs, or a score and its "
    "bound: accuracy>=0.95, rmse<=0.5"
)


@dataclass(frozen=True)
class Budget:
    """What the quantized network must keep.

    Attributes:
        name: an error of `ERRORS`, or a score's name, e.g. "accuracy".
        at_least: whether the number must be at least `bound`; else at most.
        bound: the bound.
    """

    name: str
    at_least: bool
    bound: float

    @property
    def is_error(self) -> bool:
        """Whether it bounds the outputs' error; else a score."""
        return self.name in ERRORS

    def holds(self, value: float) -> bool:
        """Whether a network with this error or score is inside the budget; NaN is outside."""
        return value >= self.bound if self.at_least else value <= self.bound

    def cost(self, value: float) -> float:
        """The same number so that more is worse."""
        return -value if self.at_least else value

    def value_of(self, error: OutputError) -> float:
        """The error that the budget bounds."""
        return float(getattr(error, ERRORS[self.name]))

    def __str__(self) -> str:
        return f"{self.name} {'≥' if self.at_least else '≤'} {self.bound:g}"


def parse_budget(text: str) -> Budget:
    """Read "max-error=0.01", "accuracy>=0.95", "rmse<=0.5".

    Raises:
        InputError: where it is not of this form, or bounds an error from below.
    """
    found = _TEXT.fullmatch(text)
    if found is None:
        raise InputError(f"budget: {text!r} is none. {_HELP}.")
    name, relation, number = found.groups()
    try:
        bound = float(number)
    except ValueError:
        bound = math.nan
    if not math.isfinite(bound):
        raise InputError(f"budget: {number!r} in {text!r} is no number. {_HELP}.")
    if name in ERRORS:
        if relation in (">=", "≥"):
            raise InputError(f"budget: an error has an upper bound; write {name}={bound:g}.")
        if bound <= 0:
            raise InputError(f"budget: {text!r} allows no error, which only the float32 file has.")
        return Budget(name, False, bound)
    if relation == "=":
        raise InputError(
            f"budget: must the score {name!r} be at least (>=) or at most (<=) {bound:g}? {_HELP}."
        )
    return Budget(name, relation in (">=", "≥"), bound)
