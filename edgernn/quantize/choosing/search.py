"""The smallest file inside a budget: which layer is stored in which scheme."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

# A layer's name → the scheme that stores it.
Assignment = dict[str, str]
# As many files as can be tried one by one; with more combinations the search is greedy.
MOST_COMBINATIONS = 64


@dataclass(frozen=True)
class Trial:
    """One file that was written and measured.

    Attributes:
        schemes: how each layer was stored.
        bytes: the file's size, but for the note on parity in its manifest.
        value: its error or score.
        holds: whether that is inside the budget.
    """

    schemes: Assignment
    bytes: int
    value: float
    holds: bool


@dataclass(frozen=True)
class Space:
    """What there is to choose from.

    Attributes:
        layers: their names.
        ladder: the schemes, the smallest first, "float32" last.
        bytes: (layer, scheme) → bytes of its weights.
        cost: (layer, scheme) → what it costs to store this layer alone so; more is worse.
    """

    layers: Sequence[str]
    ladder: Sequence[str]
    bytes: Mapping[tuple[str, str], int]
    cost: Mapping[tuple[str, str], float]

    @property
    def combinations(self) -> int:
        """How many assignments there are."""
        return int(len(self.ladder) ** len(self.layers))

    def size(self, assignment: Assignment) -> int:
        """Bytes of the weights."""
        return sum(self.bytes[item] for item in assignment.items())


def search(space: Space, whole: Trial, attempt: Callable[[Assignment], Trial]) -> Trial | None:
    """The smallest assignment that holds, None where none does but that of float32 alone.

    Args:
        space: what there is to choose from.
        whole: the float32 file.
        attempt: writes and measures an assignment.

    With up to `MOST_COMBINATIONS` combinations all are tried, the smallest first, so that the first one that
    holds is the smallest there is. With more, what hurts most for its bytes goes up the ladder until the
    budget holds; then every layer that can go down again does, the largest first.
    """
    if space.combinations <= MOST_COMBINATIONS:
        everything = (
            dict(zip(space.layers, schemes, strict=True))
            for schemes in itertools.product(space.ladder, repeat=len(space.layers))
        )
        candidates = [item for item in everything if set(item.values()) != {space.ladder[-1]}]
        return next(
            (trial for item in sorted(candidates, key=space.size) if (trial := attempt(item)).holds), None
        )
    best = _descend(space, _climb(space, attempt) or whole, attempt)
    return None if best is whole else best


def _climb(space: Space, attempt: Callable[[Assignment], Trial]) -> Trial | None:
    assignment = dict.fromkeys(space.layers, space.ladder[0])
    while set(assignment.values()) != {space.ladder[-1]}:
        trial = attempt(assignment)
        if trial.holds:
            return trial
        steps = [
            (layer, space.ladder[space.ladder.index(scheme) + 1])
            for layer, scheme in assignment.items()
            if scheme != space.ladder[-1]
        ]
        layer, scheme = max(steps, key=lambda step: _worth(space, step, assignment[step[0]]))
        assignment = {**assignment, layer: scheme}
    return None


def _worth(space: Space, step: tuple[str, str], before: str) -> float:
    """How much less it costs for each byte more."""
    layer, after = step
    saved = space.cost[layer, before] - space.cost[layer, after]
    return saved / max(1, space.bytes[layer, after] - space.bytes[layer, before])


def _descend(space: Space, found: Trial, attempt: Callable[[Assignment], Trial]) -> Trial:
    """Layers that went up although others, gone up later, would have been enough go down again."""
    best = found
    raised = [layer for layer, scheme in found.schemes.items() if scheme != space.ladder[0]]
    for layer in sorted(raised, key=lambda name: -space.bytes[name, found.schemes[name]]):
        below = space.ladder[: space.ladder.index(best.schemes[layer])]
        for scheme in below:
            trial = attempt({**best.schemes, layer: scheme})
            if trial.holds and trial.bytes < best.bytes:
                best = trial
                break
    return best
