"""TextWindow: an LSTM cell that reads a text through a soft window, which it moves along itself.

Source: Alex Graves (2013), "Generating sequences with recurrent neural networks", arXiv 1308.0850, 5.1.

i, f, g, o = W_x x_t + b + W_h [h_{t-1}, w_{t-1}]     (gates in torch's order)
c_t = σ(f) ⊙ c_{t-1} + σ(i) ⊙ tanh(g)
h_t = σ(o) ⊙ tanh(c_t)
α, β, δ = exp(W_w h_t + b_w)                          K numbers each
κ_t = κ_{t-1} + δ
φ_t(u) = Σ_k α_k exp(−β_k (κ_k − u)²)                 how much of the text's u-th symbol, u = 1 … U
w_t = Σ_u φ_t(u) s_u                                  s_u: the u-th symbol, one-hot
"""

from __future__ import annotations

import math
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn

from edgernn.cells import Cell, State
from edgernn.cells.base import ReferenceStep
from edgernn.reference import text_window as reference


class TextWindow(Cell):
    """The first layer of a network that writes: it sees points, and of a text what its window lets through.

    The text is part of every step's input, so that the window's way over it can be a state like any other.

    x is [the layer's own input; the text], the text's symbols one-hot one after another. The output is
    [h; w; φ(1) … φ(U)].

    Args:
        input_size: features of x: those of the layer's own input, and symbols × text_length.
        units: size of h and c.
        symbols: size of the alphabet.
        text_length: places of the text, U.
        components: functions that make up the window, K.
    """

    gate_names = ("i", "f", "g", "o", "tanh c")
    state_names: ClassVar[tuple[str, ...]] = ("h", "c", "kappa", "w")

    places: Tensor

    def __init__(
        self, input_size: int, units: int, symbols: int, text_length: int, components: int = 6
    ) -> None:
        super().__init__(input_size, units + symbols + text_length)
        self.units, self.symbols, self.text_length, self.components = units, symbols, text_length, components
        self.own_size = input_size - symbols * text_length
        self.input = nn.Linear(self.own_size, 4 * units)
        self.past = nn.Linear(units + symbols, 4 * units, bias=False)
        self.window = nn.Linear(units, 3 * components)
        self.register_buffer("places", torch.arange(1.0, text_length + 1), persistent=False)
        bound = 1.0 / math.sqrt(units)
        for parameter in (*self.input.parameters(), *self.past.parameters()):
            nn.init.uniform_(parameter, -bound, bound)
        with torch.no_grad():
            # Remember at first, as for LSTMs in general (Jozefowicz et al. 2015).
            self.input.bias[units : 2 * units] += 1.0

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """h and c, the window's position, and what it showed last."""
        return self.units, self.units, self.components, self.symbols

    @torch.no_grad()
    def set_pace(self, symbols_a_step: float) -> None:
        """Let the window move at an even pace until training knows better; else it would run away."""
        self.window.weight.mul_(0.3)
        self.window.bias.zero_()
        self.window.bias[2 * self.components :] = math.log(symbols_a_step)

    def project(self, x: Tensor) -> Tensor:
        """What of the gates' arguments is known from x, and the text."""
        own, text = x[..., : self.own_size], x[..., self.own_size :]
        return torch.cat([self.input(own), text], dim=-1)

    def recur(self, projected: Tensor, state: State) -> tuple[Tensor, State]:
        """The equations above; state (h, c, κ, w)."""
        h, c, kappa, w = state
        known, text = projected[..., : 4 * self.units], projected[..., 4 * self.units :]
        i, f, g, o = (known + self.past(torch.cat([h, w], dim=-1))).chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        height, width, pace = torch.exp(self.window(h)).chunk(3, dim=-1)
        kappa = kappa + pace
        away = kappa.unsqueeze(-1) - self.places
        phi = (height.unsqueeze(-1) * torch.exp(-width.unsqueeze(-1) * away * away)).sum(-2)
        symbols = text.unflatten(-1, (self.text_length, self.symbols))
        w = torch.matmul(phi.unsqueeze(-2), symbols).squeeze(-2)
        return torch.cat([h, w, phi], dim=-1), (h, c, kappa, w)

    def _reference_step(self) -> ReferenceStep:
        return partial(reference.step, self.numpy_parameters())
