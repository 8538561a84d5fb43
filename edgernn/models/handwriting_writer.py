"""HandwritingWriter: where the pen goes next, from where it went and the text that is to be written."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.cells import LSTM, State
from edgernn.errors import InputError
from edgernn.layers import Recurrent
from edgernn.models.named import check_sizes
from edgernn.models.text_window import TextWindow

# Numbers of a point: how far the pen went to the right and down, and whether it was lifted after that.
POINT = 3
# What a component of the mixture is described by, in this order.
COMPONENT = ("log_weight", "mean_x", "mean_y", "deviation_x", "deviation_y", "correlation")
# What the pen does after a point, in this order.
PEN = ("writes on", "is lifted", "has written the text")

# No density is sharper, which a likelihood would reward without end where data repeat themselves; in units of
# `scale`, as _PLACE.
_LEAST_DEVIATION = 0.03
_LARGEST_CORRELATION = 0.98
# Sizes of the place where the pen is, for the network: words are some ten units wide and a few high.
_PLACE = (0.1, 0.3)


class HandwritingWriter(nn.Module):
    """Strokes from text (Graves 2013, sections 4 and 5): two LSTM layers, the first with a window on it.

    Beside each point both layers see where the pen is, the sum of all points so far, and who writes; the
    second one and the output see what the window shows. The output is a mixture of Gaussian densities of the
    next point, and what the pen does after it.

    Args:
        symbols: size of the alphabet; number 0 of a text stands for its end.
        writers: people whose hands are learned.
        text_length: most symbols of a text.
        hidden_size: units of each layer.
        window: functions that make up the window on the text.
        components: densities of the mixture.
        style_size: numbers that stand for a writer.
        dropout: probability of zeroing a layer's output, in training only.
        reads: whether the text is read; without it the network only scribbles, for comparison.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> model = HandwritingWriter(symbols=26, writers=3)
        >>> mixture, pen, window = model(torch.zeros(2, 40, 3), torch.ones(2, 12, dtype=torch.int64),
        ...                              torch.tensor([0, 2]))
        >>> mixture.shape, pen.shape, window.shape
        (torch.Size([2, 40, 12, 6]), torch.Size([2, 40, 3]), torch.Size([2, 40, 13]))
    """

    # For export: the dimensions of inputs that are not (batch, time, …), and the names of the outputs.
    input_dims: ClassVar[dict[str, tuple[str | None, ...]]] = {"text": ("batch", None)}
    output_names: ClassVar[tuple[str, ...]] = ("mixture", "pen", "window")

    # For finetuning: what belongs to a writer, of whom another network may know some.
    label_dims: ClassVar[dict[str, int]] = {"style.weight": 1}

    numbers: Tensor
    place_size: Tensor
    scale: Tensor

    def __init__(
        self,
        symbols: int,
        writers: int = 1,
        text_length: int = 12,
        hidden_size: int = 128,
        window: int = 6,
        components: int = 12,
        style_size: int = 8,
        dropout: float = 0.1,
        reads: bool = True,
    ) -> None:
        super().__init__()
        check_sizes(
            "HandwritingWriter", symbols=symbols, writers=writers, text_length=text_length,
            hidden_size=hidden_size, window=window, components=components, style_size=style_size,
        )  # fmt: skip
        if not 0.0 <= dropout < 1.0:
            raise InputError(f"HandwritingWriter: dropout must be in [0, 1), found {dropout!r}.")
        self.symbols, self.text_length, self.reads = symbols, text_length, reads
        self.hidden_size, self.components = hidden_size, components
        self.style = nn.Embedding(writers, style_size)
        seen = POINT + 2 + style_size
        # The end of the text is a symbol too, and stands behind each of them.
        shown, places = symbols + 1, text_length + 1
        self.first = Recurrent(TextWindow(seen + shown * places, hidden_size, shown, places, window))
        self.second = Recurrent(LSTM(seen + hidden_size + shown, hidden_size))
        self.head = nn.Linear(2 * hidden_size + shown, len(COMPONENT) * components + len(PEN))
        self.dropout = nn.Dropout(dropout)
        self.register_buffer("numbers", torch.arange(symbols + 1), persistent=False)
        self.register_buffer("place_size", torch.tensor(_PLACE), persistent=False)
        self.register_buffer("scale", torch.ones(()))

    @torch.no_grad()
    def fit_scale(self, ways: Tensor, symbols: int) -> None:
        """Before training: take the spread of ways, and how far the window moves in a step, from data.

        Args:
            ways: (points, 2), those of all words.
            symbols: how many the words have.
        """
        self.scale.copy_(ways.std())
        cell = self.first.cells[0]
        assert isinstance(cell, TextWindow)
        cell.set_pace(symbols / len(ways))

    def forward(self, points: Tensor, text: Tensor, writer: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What comes after each point.

        Args:
            points: (batch, time, 3): the pen's way to the right and down since the point before, and 1 where
                it was lifted after it, else 0. The first one is (0, 0, 1): the pen is above the origin.
            text: (batch, text_length) integers from 0 to `symbols`; 0 behind the text's end.
            writer: (batch,) integers.

        Returns:
            mixture: (batch, time, components, 6), see `COMPONENT`: the density of the next point's way.
                Weights are natural logarithms and add up to 1; deviations are standard deviations.
            pen: (batch, time, 3), see `PEN`: natural logarithms of probabilities.
            window: (batch, time, text_length + 1): how much of each place of the text is seen, and of the
                place behind its end.
        """
        mixture, pen, window, _ = self.advance(points, text, writer)
        return mixture, pen, window

    def advance(
        self, points: Tensor, text: Tensor, writer: Tensor, state: State | None = None
    ) -> tuple[Tensor, Tensor, Tensor, State]:
        """As `forward`, from a state on, and with the state after the last point; None: the initial one."""
        place, first, second = ((None,) * 3) if state is None else (state[:1], state[1:5], state[5:])
        ways = points[..., :2] / self.scale
        places = torch.cumsum(ways, dim=1)
        if place is not None:
            places = places + place[0]
        steps = points.shape[1]
        style = self.style(writer).unsqueeze(1).expand(-1, steps, -1)
        seen = torch.cat([ways, points[..., 2:], places * self.place_size, style], dim=-1)
        one_hot = self._one_hot(text).unsqueeze(1).expand(-1, steps, -1)
        y, first = self.first(torch.cat([seen, one_hot], dim=-1), first)
        h, w, window = y.split([self.hidden_size, self.symbols + 1, self.text_length + 1], dim=-1)
        h = self.dropout(h)
        upper, second = self.second(torch.cat([seen, h, w], dim=-1), second)
        found = self.head(torch.cat([h, self.dropout(upper), w], dim=-1))
        mixture, pen = found.split([len(COMPONENT) * self.components, len(PEN)], dim=-1)
        after = (places[:, -1:], *first, *second)
        return self._mixture(mixture), pen.log_softmax(-1), window, after

    def _one_hot(self, text: Tensor) -> Tensor:
        """(batch, (text_length + 1) × (symbols + 1))."""
        found = (F.pad(text, (0, 1)).unsqueeze(-1) == self.numbers).to(self.place_size.dtype).flatten(1)
        return found if self.reads else found * 0.0

    def _mixture(self, found: Tensor) -> Tensor:
        """Numbers of any size as parameters of densities."""
        weight, x, y, wide, high, lean = found.chunk(len(COMPONENT), dim=-1)
        # e⁵ units are wider than any word.
        wide, high = (_LEAST_DEVIATION + torch.exp(size.clamp(max=5.0)) for size in (wide, high))
        lean = _LARGEST_CORRELATION * torch.tanh(lean)
        sizes = [size * self.scale for size in (x, y, wide, high)]
        return torch.stack([weight.log_softmax(-1), *sizes, lean], dim=-1)

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        return f"symbols={self.symbols}, text_length={self.text_length}, components={self.components}"
