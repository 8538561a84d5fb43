"""Networks that read handwriting from the pen's path: single characters, and whole texts."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.layers import Recurrent
from edgernn.models.named import cell_type, check_sizes
from edgernn.models.pooling import symbols_inside

# Points, or steps of the one below, that a convolution sees; each halves the rate.
_KERNEL, _STRIDE = 5, 2
# What the network makes of a point.
_FEATURES = 7


class PenReader(nn.Module):
    """What all networks share that read pen strokes: features, convolutions, recurrent layers.

    A point's row is (x, y, b): its place from the first point on, in heights of the writing, and 1 where a
    stroke begins (`edgernn.strokes.point_rows`). With (dx, dy) the way from the point before, of length l,

        f = ((1 − b) dx / l, (1 − b) dy / l, b dx, b dy, b, y, x − x̄)

    is the direction while the pen touches, the jump where it was lifted, the height on the line, and how far
    the pen is from where it was on average until now, so that nothing depends on how long a line grows.
    Convolutions that see the past alone halve the rate, each of them, and recurrent layers read on, in one
    direction, which streams while the pen moves, or in both.

    Rows of zeros behind the last point fill up shorter drawings of a batch.

    Args:
        hidden_size: size of the recurrent layers, a direction.
        cell: name of a cell in `edgernn.cells`, in any case.
        num_layers: recurrent layers on top of each other.
        bidirectional: whether a second cell reads from the end to the start.
        stride: points a step, a power of 2 from 2 on.
        channels: output channels of each convolution.
        dropout: probability of zeroing an element around and between recurrent layers, in training only.

    Raises:
        InputError: where an argument is not what it must be.
    """

    def __init__(
        self,
        hidden_size: int = 96,
        cell: str = "lstm",
        num_layers: int = 2,
        bidirectional: bool = True,
        stride: int = 2,
        channels: int = 64,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes(type(self).__name__, hidden_size=hidden_size, stride=stride, channels=channels)
        if stride < 2 or stride & (stride - 1):
            raise InputError(f"{type(self).__name__}: stride must be a power of 2 from 2 on, found {stride}.")
        self.stride = stride
        self.convolutions = nn.ModuleList(
            nn.Conv1d(channels if index else _FEATURES, channels, _KERNEL, stride=_STRIDE)
            for index in range(stride.bit_length() - 1)
        )
        first = cell_type(cell)(channels, hidden_size)
        self.recurrent = Recurrent(first, num_layers, bidirectional, dropout)
        self.dropout = nn.Dropout(dropout)
        self.width = hidden_size * self.recurrent.directions

    def encode(self, rows: Tensor, steps: Tensor | None) -> Tensor:
        """(batch, points, 3) → (batch, steps, width); `steps` (batch,) says how many of each row count."""
        seen = _features(rows).transpose(1, 2)
        for convolution in self.convolutions:
            seen = F.relu(convolution(F.pad(seen, (_KERNEL - 1, 0))))
        hidden: Tensor = self.recurrent(self.dropout(seen.transpose(1, 2)), lengths=steps)[0]
        kept: Tensor = self.dropout(hidden)
        return kept

    def steps(self, points: Tensor) -> Tensor:
        """How many steps drawings of so many points have, (batch,)."""
        found: Tensor = (points + self.stride - 1).div(self.stride, rounding_mode="floor")
        return found


class CharacterReader(PenReader):
    """Which of some characters, or signs, was drawn.

    In one direction it answers at every step, of the last output and of the mean so far; the last
    answer is that for the whole drawing. In both directions it answers once.

        y_t = softmax(W (h_t, mean(h_1 … h_t)) + b),   or   y = softmax(W mean(h) + b)

    Args:
        classes: how many there are.
        settings: as for `PenReader`.

    Example:
        >>> CharacterReader(classes=10)(torch.randn(2, 50, 3)).shape
        torch.Size([2, 10])
        >>> CharacterReader(classes=10, bidirectional=False)(torch.randn(2, 50, 3)).shape
        torch.Size([2, 25, 10])
    """

    def __init__(self, classes: int, **settings: Any) -> None:
        super().__init__(**settings)
        check_sizes("CharacterReader", classes=classes)
        self.classes = classes
        self.head = nn.Linear(self.width * (1 if self.both else 2), classes)

    @property
    def both(self) -> bool:
        """Whether it reads in both directions."""
        return self.recurrent.bidirectional

    def forward(self, rows: Tensor) -> Tensor:
        """Probabilities of the characters.

        Args:
            rows: (batch, points, 3), of `point_rows`; rows of zeros behind the end.

        Returns:
            (batch, classes), or in one direction (batch, ceil(points / stride), classes).
        """
        return self.logits(rows).softmax(-1)

    def logits(self, rows: Tensor) -> Tensor:
        """As `forward`, before the softmax, for the loss."""
        if self.both:
            steps = self.steps(points_inside(rows))
            hidden = self.encode(rows, steps)
            # What is filled up is zero in the recurrent output, and adds nothing.
            pooled = hidden.sum(1) / steps.unsqueeze(1)
        else:
            hidden = self.encode(rows, None)
            count = torch.ones_like(hidden[..., :1]).cumsum(1)
            pooled = torch.cat([hidden, hidden.cumsum(1) / count], -1)
        scores: Tensor = self.head(pooled)
        return scores

    def last(self, answers: Tensor, points: Tensor) -> Tensor:
        """The answer (batch, classes) for each whole drawing, of `forward`'s or `logits`' for a batch."""
        if self.both:
            return answers
        return answers[torch.arange(len(points)), self.steps(points) - 1]


class TextReader(PenReader):
    """Log-probabilities of symbols at every step, symbol 0 being the blank of CTC.

    Source: Graves et al. (2009), "A novel connectionist system for unconstrained handwriting recognition".
    `edgernn.ctc.CTCDecoder` makes text of the output.

    Args:
        symbols: size of the vocabulary, the blank included.
        settings: as for `PenReader`.

    Example:
        >>> TextReader(symbols=27)(torch.randn(2, 50, 3)).shape
        torch.Size([2, 25, 27])
    """

    def __init__(self, symbols: int, **settings: Any) -> None:
        super().__init__(**settings)
        check_sizes("TextReader", symbols=symbols)
        self.symbols = symbols
        self.head = nn.Linear(self.width, symbols)

    def forward(self, rows: Tensor) -> Tensor:
        """Log-probabilities (batch, ceil(points / stride), symbols) of drawings (batch, points, 3)."""
        return self.log_probabilities(rows, None)

    def log_probabilities(self, rows: Tensor, steps: Tensor | None) -> Tensor:
        """As `forward`; `steps` (batch,) says how many steps of each row count, where some are filled up."""
        scores: Tensor = self.head(self.encode(rows, steps))
        return scores.log_softmax(-1)


def points_inside(rows: Tensor) -> Tensor:
    """(batch,): how many points drawings have that are filled up with zeros; 1 at least."""
    return symbols_inside((rows != 0).any(-1))[1]


def _features(rows: Tensor) -> Tensor:
    """(batch, points, 3) → (batch, points, 7); see `PenReader`."""
    places, begins = rows[..., :2], rows[..., 2:]
    moves = places - F.pad(places[:, :-1], (0, 0, 1, 0))
    # Never zero, where there is no direction and the root has no gradient. (A bound and not an addition:
    # onnxscript takes a number so small that is added for zero, and leaves it out of the graph.)
    lengths = moves.square().sum(-1, keepdim=True).clamp(min=1e-9).sqrt()
    x, y = places[..., :1], places[..., 1:]
    count = torch.ones_like(x).cumsum(1)
    away = x - x.cumsum(1) / count
    return torch.cat([(1 - begins) * moves / lengths, begins * moves, begins, y, away], -1)
