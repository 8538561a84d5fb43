"""Networks put together at random out of what streams step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

import edgernn
from edgernn import Recurrent

FEATURES = 4
SYMBOLS = 9


class Recurring(nn.Module):
    """A recurrent layer, of edgernn or of torch, batch first or time first."""

    def __init__(self, kind: str, layers: int) -> None:
        super().__init__()
        self.time_first = kind.endswith("time-first")
        made: dict[str, Any] = {
            "edgernn-lstm": lambda: Recurrent(edgernn.LSTM(FEATURES, FEATURES), layers),
            "edgernn-gru": lambda: Recurrent(edgernn.GRU(FEATURES, FEATURES, reset_after=False), layers),
            "edgernn-rnn": lambda: Recurrent(edgernn.RNN(FEATURES, FEATURES, "sigmoid", bias=False), layers),
            "torch-lstm": lambda: nn.LSTM(FEATURES, FEATURES, layers, batch_first=True),
            "torch-gru-time-first": lambda: nn.GRU(FEATURES, FEATURES, layers),
        }
        self.recurrent = made[kind]()

    def forward(self, x: Tensor) -> Tensor:
        if not self.time_first:
            return self.recurrent(x)[0]
        return self.recurrent(x.transpose(0, 1))[0].transpose(0, 1)


class Pointwise(nn.Module):
    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "gate":
            return torch.sigmoid(x) * x.clamp(-2, 2)
        if self.kind == "gelu":
            return nn.functional.gelu(x) + 0.5
        return torch.where(x > 0, torch.log1p(x.abs()), 0.1 * x)


class Residual(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


class Beside(nn.Module):
    """Two branches side by side, and back to the size."""

    def __init__(self, left: nn.Module, right: nn.Module) -> None:
        super().__init__()
        self.left, self.right = left, right
        self.join = nn.Linear(2 * FEATURES, FEATURES)

    def forward(self, x: Tensor) -> Tensor:
        return self.join(torch.cat([self.left(x), self.right(x)], dim=-1))


class Heads(nn.Module):
    """Features in groups, each normalised, as attention heads without attention."""

    def forward(self, x: Tensor) -> Tensor:
        groups = x.view(x.shape[0], x.shape[1], 2, -1)
        return torch.softmax(groups, dim=-1).flatten(2) + x.mean(-1, keepdim=True)


class Network(nn.Module):
    def __init__(self, first: nn.Module, blocks: nn.Module, last: bool) -> None:
        super().__init__()
        self.first, self.blocks, self.last = first, blocks, last
        self.head = nn.Linear(FEATURES, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.blocks(self.first(x))
        return self.head(y[:, -1] if self.last else y)


@dataclass(frozen=True)
class Plan:
    """A network in words: hypothesis shrinks these to the smallest one that fails."""

    symbols: bool
    blocks: tuple[Any, ...]
    last: bool

    def make(self) -> Network:
        first = nn.Embedding(SYMBOLS, FEATURES) if self.symbols else nn.Linear(3, FEATURES)
        return Network(first, nn.Sequential(*map(_block, self.blocks)), self.last).eval()

    def inputs(self, batch: int, steps: int) -> Tensor:
        return torch.randint(0, SYMBOLS, (batch, steps)) if self.symbols else torch.randn(batch, steps, 3)


def _block(plan: tuple[Any, ...]) -> nn.Module:
    kind, *rest = plan
    if kind == "recurrent":
        return Recurring(*rest)
    if kind == "pointwise":
        return Pointwise(*rest)
    if kind == "residual":
        return Residual(nn.Sequential(*map(_block, rest[0])))
    if kind == "beside":
        return Beside(_block(rest[0]), _block(rest[1]))
    simple = {"linear": nn.Linear(FEATURES, FEATURES), "norm": nn.LayerNorm(FEATURES), "heads": Heads()}
    return simple[kind]


KINDS = ("edgernn-lstm", "edgernn-gru", "edgernn-rnn", "torch-lstm", "torch-gru-time-first")
_LEAVES = st.one_of(
    st.tuples(st.just("recurrent"), st.sampled_from(KINDS), st.integers(1, 2)),
    st.tuples(st.just("pointwise"), st.sampled_from(("gate", "gelu", "where"))),
    st.tuples(st.sampled_from(("linear", "norm", "heads"))),
)
_BLOCKS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.just("residual"), st.lists(inner, min_size=1, max_size=2)),
        st.tuples(st.just("beside"), inner, inner),
    ),
    max_leaves=4,
)
PLANS = st.builds(
    Plan, st.booleans(), st.lists(_BLOCKS, min_size=1, max_size=4).map(tuple), st.booleans()
).filter(lambda plan: "'recurrent'" in repr(plan.blocks))
SCHEDULES = st.lists(st.integers(1, 9), min_size=2, max_size=8)
