"""What is asked of a suite: how many rounds, and which part of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from edgernn.errors import InputError

Value = str | int
Case = Mapping[str, Value]
Dimensions = Mapping[str, tuple[Value, ...]]


def _not_yet(case: Case) -> bool:
    return False


@dataclass(frozen=True)
class Request:
    """What is asked of a suite.

    Attributes:
        rounds: of each race.
        only: for some dimensions, the values that are wanted; of the others all are.
        known: whether a case was measured before.
    """

    rounds: int
    only: Dimensions = field(default_factory=dict)
    known: Callable[[Case], bool] = _not_yet

    def asks(self, case: Case) -> bool:
        """Whether a case, as far as it says what it is, is of the part that was chosen."""
        return all(case[name] in values for name, values in self.only.items() if name in case)

    def wants(self, case: Case) -> bool:
        """Whether to measure a case: it was chosen, and not measured before."""
        return self.asks(case) and not self.known(case)


def parse_only(only: Sequence[str], dimensions: Dimensions) -> dict[str, tuple[Value, ...]]:
    """What `--only cell=GRU,LSTM --only hidden=64` chooses.

    Args:
        only: "dimension=value,value" each.
        dimensions: the values that a suite has.

    Raises:
        InputError: where there is no such dimension or value, or one is named twice, with the list.
    """
    chosen: dict[str, tuple[Value, ...]] = {}
    for text in only:
        name, sign, rest = text.partition("=")
        if not sign or name not in dimensions:
            raise InputError(
                f"only: expected NAME=VALUE,VALUE with a name of {sorted(dimensions)}, found {text!r}."
            )
        if name in chosen:
            raise InputError(f"only: {name!r} is named twice; put its values behind each other: {name}=A,B.")
        values = {str(value): value for value in dimensions[name]}
        wanted = [word.strip() for word in rest.split(",")]
        unknown = [word for word in wanted if word not in values]
        if unknown:
            raise InputError(f"only: {name} has no value {unknown[0]!r}. Use one of {list(values)}.")
        chosen[name] = tuple(values[word] for word in wanted)
    return chosen
