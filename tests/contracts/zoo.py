"""Networks as users write them, with what is special about exporting each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import edgernn
from edgernn import Recurrent

from .forms import STATE_DIMS, Head


@dataclass(frozen=True)
class Network:
    """A network of the zoo.

    Attributes:
        make: the module.
        inputs: its inputs at a batch and a number of steps.
        options: of `edgernn.export`.
        streams: whether it can be exported with streaming=True.
        lone: whether it takes no batch.
    """

    name: str
    make: Callable[[], nn.Module]
    inputs: Callable[[int, int], tuple[Tensor, ...]]
    options: dict[str, Any] = field(default_factory=dict)
    streams: bool = True
    lone: bool = False

    def __str__(self) -> str:
        return self.name


class Lambda(nn.Module):
    """A forward written as a function of the module and its inputs, over some submodules."""

    def __init__(self, function: Callable[..., Any], **modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Any:
        return self.function(self, x)


class Two(Lambda):
    def forward(self, x: Tensor, other: Tensor) -> Any:
        return self.function(self, x, other)


class TakeOutput(nn.Module):
    """In nn.Sequential, between an nn.LSTM and what follows."""

    def forward(self, result: tuple[Tensor, Any]) -> Tensor:
        return result[0]


def floats(batch: int, steps: int) -> tuple[Tensor, ...]:
    return (torch.randn(batch, steps, 3),)


def time_first(batch: int, steps: int) -> tuple[Tensor, ...]:
    return (torch.randn(steps, batch, 3),)


def symbols(batch: int, steps: int) -> tuple[Tensor, ...]:
    ids = torch.randint(0, 11, (batch, steps))
    ids.view(-1)[0] = 10
    return (ids,)


def with_h0(batch: int, steps: int) -> tuple[Tensor, ...]:
    return torch.randn(batch, steps, 3), torch.rand(2, batch, 4) - 0.5


def with_lengths(batch: int, steps: int) -> tuple[Tensor, ...]:
    return torch.randn(batch, steps, 3), torch.randint(1, steps + 1, (batch,))


def lstm(*sizes: int, **options: Any) -> nn.LSTM:
    return nn.LSTM(*(sizes or (3, 4)), batch_first=True, **options)


def gru(*sizes: int, **options: Any) -> nn.GRU:
    return nn.GRU(*(sizes or (3, 4)), batch_first=True, **options)


def _zeros_in_forward(self: Any, x: Tensor) -> Tensor:
    h = torch.zeros(2, x.size(0), 4).to(x.device)
    c = x.new_zeros(2, x.shape[0], 4)
    return self.head(self.lstm(x, (h, c))[0])


def _flatten_parameters(self: Any, x: Tensor) -> Tensor:
    self.lstm.flatten_parameters()
    return self.head(self.lstm(x)[0])


def _residual(self: Any, x: Tensor) -> Tensor:
    x = torch.tanh(self.into(x))
    for layer, norm in ((self.first, self.norm1), (self.second, self.norm2)):
        x = norm(x + F.dropout(layer(x)[0], 0.3, self.training))
    return self.out(x)


def _encoder_decoder(self: Any, x: Tensor) -> Tensor:
    _, state = self.encoder(x)
    return self.decoder(torch.flip(x, (1,)), state)[0]


def _attention(self: Any, x: Tensor) -> Tensor:
    y, _ = self.gru(x)
    return (torch.softmax(self.score(y), dim=1) * y).sum(1)


ZOO = [
    Network("lstm-head", lambda: Head(lstm(), 4), floats),
    Network("gru-no-bias", lambda: Head(gru(bias=False, num_layers=2), 4), floats),
    Network("rnn-relu", lambda: Head(nn.RNN(3, 4, nonlinearity="relu", batch_first=True), 4), floats),
    Network("time-first", lambda: Head(nn.GRU(3, 4), 4), time_first, {"time_dim": 0}),
    Network("root-lstm", lstm, floats),
    Network("root-gru-time-first", lambda: nn.GRU(3, 4), time_first, {"time_dim": 0}),
    Network("root-recurrent", lambda: Recurrent(edgernn.GRU(3, 4, reset_after=False), 2), floats),
    Network("sequential", lambda: nn.Sequential(lstm(), TakeOutput(), nn.Linear(4, 2), nn.ReLU()), floats),
    Network(
        "several-layers",
        lambda: Lambda(lambda m, x: m.b(m.a(x)[0])[0], a=gru(), b=lstm(4, 5, num_layers=2, dropout=0.5)),
        floats,
    ),
    Network("called-twice", lambda: Lambda(lambda m, x: m.a(m.a(x)[0] + x)[0], a=gru(3, 3)), floats),
    Network(
        "last-step",
        lambda: Lambda(lambda m, x: m.head(m.a(x)[0][:, -1]), a=gru(), head=nn.Linear(4, 2)),
        floats,
    ),
    Network(
        "final-state",
        lambda: Lambda(lambda m, x: m.head(m.a(x)[1][0][-1]), a=lstm(), head=nn.Linear(4, 2)),
        floats,
    ),
    Network(
        "both-directions",
        lambda: Lambda(lambda m, x: torch.cat(tuple(m.a(x)[1]), -1), a=gru(bidirectional=True)),
        floats,
        streams=False,
    ),
    Network(
        "named-outputs",
        lambda: Lambda(lambda m, x: {"y": m.a(x)[0], "last": m.a(x)[0][:, -1], "all": [x, x * 2]}, a=gru()),
        floats,
    ),
    Network(
        "embedding",
        lambda: Lambda(
            lambda m, x: m.head(m.a(m.table(x))[0]),
            table=nn.Embedding(11, 3, padding_idx=0),
            a=lstm(),
            head=nn.Linear(4, 11),
        ),
        symbols,
    ),
    Network(
        "residual-norm-dropout",
        lambda: Lambda(
            _residual,
            into=nn.Linear(3, 4),
            first=gru(4, 4),
            second=lstm(4, 4),
            norm1=nn.LayerNorm(4),
            norm2=nn.LayerNorm(4, elementwise_affine=False),
            out=nn.Linear(4, 1),
        ),
        floats,
    ),
    Network(
        "flatten-parameters", lambda: Lambda(_flatten_parameters, lstm=lstm(), head=nn.Linear(4, 2)), floats
    ),
    Network(
        "zeros-in-forward",
        lambda: Lambda(_zeros_in_forward, lstm=lstm(num_layers=2), head=nn.Linear(4, 2)),
        floats,
    ),
    Network(
        "given-state",
        lambda: Two(lambda m, x, h: m.a(x, h), a=gru(num_layers=2)),
        with_h0,
        {"dims": {"other": STATE_DIMS}},
        streams=False,
    ),
    Network(
        "lengths",
        lambda: Two(lambda m, x, n: m.a(x, None, n), a=Recurrent(edgernn.LSTM(3, 4), bidirectional=True)),
        with_lengths,
        streams=False,
    ),
    Network(
        "encoder-decoder",
        lambda: Lambda(_encoder_decoder, encoder=lstm(), decoder=lstm()),
        floats,
        streams=False,
    ),
    Network("attention", lambda: Lambda(_attention, gru=gru(), score=nn.Linear(4, 1)), floats, streams=False),
    Network("mean-over-time", lambda: Lambda(lambda m, x: m.a(x)[0].mean(1), a=gru()), floats, streams=False),
    Network(
        "convolution",
        lambda: Lambda(
            lambda m, x: m.a(m.conv(x.transpose(1, 2)).transpose(1, 2))[0],
            conv=nn.Conv1d(3, 5, 3, padding=1),
            a=gru(5, 4),
        ),
        floats,
        streams=False,
    ),
    Network(
        "unbatched",
        lambda: Lambda(lambda m, x: m.a(x)[0], a=nn.LSTM(3, 4, num_layers=2)),
        lambda batch, steps: (torch.randn(steps, 3),),
        {"dims": {"x": ("time", None)}, "time_dim": 0},
        streams=False,
        lone=True,
    ),
    Network("forecaster", lambda: edgernn.models.Forecaster(3, 1, hidden_size=5, horizon=2), floats),
]
