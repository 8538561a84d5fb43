"""What the weights of a smaller network are held to, and how a report tells of them; `bounds.py` does it."""

from __future__ import annotations

from dataclasses import dataclass

from edgernn.errors import InputError


@dataclass(frozen=True)
class Compression:
    """What the weights of a network are held to.

    Attributes:
        prune: share of the blocks of every weight that become zero: those of the least mean square; at least
            0, below 1.
        block: rows and columns of a block; (1, 16) is 16 weights of one unit.
        low_rank: rank of the input and recurrent matrices of recurrent layers ÷ their full rank, below 1; 0
            leaves them alone. Such matrices are not pruned.
    """

    prune: float = 0.0
    block: tuple[int, ...] = (1, 16)
    low_rank: float = 0.0

    def __post_init__(self) -> None:
        for name in ("prune", "low_rank"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(
                    f"{name}: must be a share of 0 to below 1, e.g. 0.5, found {getattr(self, name)!r}."
                )
        if len(self.block) != 2 or any(size < 1 for size in self.block):
            raise InputError(f"block: must be rows and columns from 1, e.g. 1x16, found {self.block!r}.")
        if not self.prune and not self.low_rank:
            raise InputError("compression: give a share of blocks to prune, a low rank, or both.")


@dataclass(frozen=True)
class CompressedWeight:
    """What became of one weight.

    Attributes:
        name: the parameter.
        shape: its shape.
        how: in words, e.g. "half of the blocks are zero".
        numbers: how many numbers say what it holds; there were as many as elements.
    """

    name: str
    shape: tuple[int, ...]
    how: str
    numbers: int
