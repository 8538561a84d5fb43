"""Small encoders and decoders for tests."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from edgernn.models import Seq2Seq
from edgernn.models.parts import Part, Parted

SYMBOLS, START, END = 11, 9, 10


def translator(seed: int = 0, **arguments: object) -> Seq2Seq:
    """A network with random weights, large enough that its symbols differ in probability."""
    torch.manual_seed(seed)
    sizes = {"embedding_size": 8, "hidden_size": 6, "longest": 7}
    model = Seq2Seq(SYMBOLS, START, END, **{**sizes, **arguments})
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.7)
    return model.eval()


def sources(rows: int = 3, places: int = 5, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Numbers of symbols, and how many of each row count."""
    generator = torch.Generator().manual_seed(seed)
    lengths = places - 2 * torch.arange(rows) % places
    return torch.randint(0, SYMBOLS, (rows, places), generator=generator), lengths


def targets(rows: int = 3, steps: int = 4, seed: int = 2) -> Tensor:
    """The start, and symbols behind it."""
    generator = torch.Generator().manual_seed(seed)
    found = torch.randint(0, START, (rows, steps), generator=generator)
    found[:, 0] = START
    return found


def example() -> tuple[Tensor, Tensor, Tensor]:
    """Inputs of a network, with every number in their range."""
    source, lengths = sources(2, 6)
    source[0, :2] = torch.tensor([0, SYMBOLS - 1])
    target = targets(2)
    target[0, 1:3] = torch.tensor([0, SYMBOLS - 1])
    return source, lengths, target


def dot_translator() -> Seq2Seq:
    """For the command line: a network without arguments."""
    return translator(3, attention="dot")


class TwoGraphs(Parted):
    """A network of two graphs that nothing joins."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x))

    def parts(self, example_inputs: Sequence[Tensor]) -> dict[str, Part]:
        given = tuple(example_inputs)
        return {"first": Part(self.first, given), "second": Part(self.second, given)}


def two_graphs() -> TwoGraphs:
    """For the command line."""
    return TwoGraphs()
