"""Recurrent modules among others, as users build networks: exported at batch 1, one step; run at any."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from edgernn.capture import capture
from edgernn.errors import ExportError

from .networks import assert_same_as_torch, export

FEATURES, HIDDEN = 3, 4


class Outputs(nn.Module):
    """Every combination of a module's outputs: y, h and c, the last step."""

    def __init__(self, pick: Callable[[Tensor, Any], Any]) -> None:
        super().__init__()
        self.lstm = nn.LSTM(FEATURES, HIDDEN, 2, batch_first=True)
        self.pick = pick

    def forward(self, x: Tensor) -> Any:
        return self.pick(*self.lstm(x))


class Seq(nn.Module):
    """nn.Sequential around a module that gives a tuple."""

    class First(nn.Module):
        def forward(self, result: tuple[Tensor, Any]) -> Tensor:
            return result[0]

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(FEATURES, HIDDEN),
            nn.LSTM(HIDDEN, HIDDEN, batch_first=True),
            Seq.First(),
            nn.Dropout(0.5),
            nn.Sequential(nn.GRU(HIDDEN, HIDDEN, batch_first=True), Seq.First()),
            nn.LayerNorm(HIDDEN),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class Residual(nn.Module):
    """A ModuleList of blocks, two of them the same module."""

    def __init__(self) -> None:
        super().__init__()
        block = nn.GRU(FEATURES, FEATURES, batch_first=True)
        self.blocks = nn.ModuleList([block, nn.RNN(FEATURES, FEATURES, batch_first=True), block])

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = x + block(x)[0]
        return x


class Siamese(nn.Module):
    """One module, two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.GRU(FEATURES, HIDDEN, batch_first=True)

    def forward(self, left: Tensor, right: Tensor) -> dict[str, Tensor]:
        a, b = self.encoder(left)[1][-1], self.encoder(right)[1][-1]
        return {"similarity": torch.cosine_similarity(a, b, dim=-1), "left": a, "right": b}


class Tagger(nn.Module):
    """Characters in, a convolution, both directions, attention pooling, several heads."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, FEATURES, padding_idx=0)
        self.conv = nn.Conv1d(FEATURES, HIDDEN, 3, padding=1)
        self.norm = nn.BatchNorm1d(HIDDEN)
        self.lstm = nn.LSTM(HIDDEN, HIDDEN, 2, batch_first=True, bidirectional=True, dropout=0.3)
        self.score = nn.Linear(2 * HIDDEN, 1)
        self.heads = nn.ModuleDict({"word": nn.Linear(2 * HIDDEN, 5), "text": nn.Linear(2 * HIDDEN, 2)})

    def forward(self, ids: Tensor, mask: Tensor) -> dict[str, Tensor]:
        x = self.norm(self.conv(self.embedding(ids).transpose(1, 2))).relu().transpose(1, 2)
        y, _ = self.lstm(x)
        weights = self.score(y).squeeze(-1).masked_fill(~mask, -1e9).softmax(dim=1)
        pooled = torch.bmm(weights.unsqueeze(1), y).squeeze(1)
        return {"word": self.heads["word"](y), "text": self.heads["text"](pooled), "weights": weights}


class Attending(nn.Module):
    """Self-attention behind a recurrent layer."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(FEATURES, 8, batch_first=True)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.gru(x)
        return y + self.attention(y, y, y, need_weights=False)[0]


class ZeroState(nn.Module):
    """The state made in the forward, from the input's batch."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(FEATURES, HIDDEN, 2, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Any:
        h = torch.zeros(2 * self.lstm.num_layers, x.size(0), self.lstm.hidden_size, device=x.device)
        self.lstm.flatten_parameters()
        return self.lstm(x, (h, torch.full_like(h, 0.1)))


class LearnedState(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(FEATURES, HIDDEN, batch_first=True)
        self.start = nn.Parameter(torch.randn(1, 1, HIDDEN))

    def forward(self, x: Tensor) -> Tensor:
        return self.gru(x, self.start.expand(-1, x.shape[0], -1).contiguous())[0]


class OwnForward(nn.LSTM):
    """A subclass that calls its parent's forward."""

    def forward(self, x: Tensor, scale: float = 2.0) -> Any:  # type: ignore[override]
        y, (h, _) = super().forward(x * scale)
        return y.relu(), h[-1]


class Inside(nn.Module):
    """The same, inside another module."""

    def __init__(self) -> None:
        super().__init__()
        self.own = OwnForward(FEATURES, HIDDEN, batch_first=True)
        self.after = nn.GRU(HIDDEN, HIDDEN, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        y, h = self.own(x)
        return self.after(y)[0] + h.unsqueeze(1)


class AcrossRows(nn.Module):
    """Rows that depend on each other: whole batches are still the same function."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(FEATURES, HIDDEN, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        y, _ = self.gru(x - x.mean(dim=0, keepdim=True))
        return y / (1 + y.abs().amax(dim=0))


class Nested(nn.Module):
    """Returns tuples within a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(FEATURES, HIDDEN, batch_first=True)

    def forward(self, x: Tensor) -> dict[str, Any]:
        y, state = self.lstm(x)
        return {"y": y, "state": state, "input": x, "nothing": None}


def x(batch: int, steps: int) -> tuple[Tensor, ...]:
    return (torch.randn(batch, steps, FEATURES),)


def ids(batch: int, steps: int) -> tuple[Tensor, ...]:
    mask = torch.rand(batch, steps) > 0.3
    mask[:, 0] = True
    return torch.randint(0, 11, (batch, steps)), mask


NETWORKS: dict[str, tuple[Callable[[], nn.Module], Callable[[int, int], tuple[Tensor, ...]]]] = {
    "y": (lambda: Outputs(lambda y, state: y), x),
    "h": (lambda: Outputs(lambda y, state: state[0]), x),
    "c": (lambda: Outputs(lambda y, state: state[1][-1]), x),
    "last_step": (lambda: Outputs(lambda y, state: y[:, -1]), x),
    "all": (lambda: Outputs(lambda y, state: (y, state, y[:, -1])), x),
    "bare_lstm": (lambda: nn.LSTM(FEATURES, HIDDEN, 2, batch_first=True), x),
    "sequential": (Seq, x),
    "residual_shared": (Residual, x),
    "siamese": (Siamese, lambda batch, steps: x(batch, steps) * 2),
    "tagger": (Tagger, ids),
    "attending": (Attending, x),
    "zero_state": (ZeroState, x),
    "learned_state": (LearnedState, x),
    "own_forward": (lambda: OwnForward(FEATURES, HIDDEN, 2, batch_first=True), x),
    "own_forward_inside": (Inside, x),
    "nested_outputs": (Nested, x),
    "across_rows": (AcrossRows, x),
}
FAST = {"all", "sequential", "residual_shared", "tagger", "zero_state", "own_forward_inside"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in FAST else pytest.mark.slow) for name in NETWORKS]
)
def test_a_network_runs_at_every_size(name: str, tmp_path: Path) -> None:
    make, inputs = NETWORKS[name]
    module, path = make(), tmp_path / "model.onnx"
    export(module, path, *inputs(1, 1))
    assert_same_as_torch(path, module, *(inputs(*size) for size in ((1, 1), (2, 5), (3, 17))))


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(1, 6), (6, 1), (4, 4)])
def test_the_sizes_of_the_example_do_not_matter(sizes: tuple[int, int], tmp_path: Path) -> None:
    module, path = Inside(), tmp_path / "model.onnx"
    manifest = export(module, path, *x(*sizes))
    assert manifest.inputs[0].dims == ("batch", "time", FEATURES)
    assert_same_as_torch(path, module, x(1, 1), x(3, 7))


def test_a_shared_module_is_one_set_of_weights(tmp_path: Path) -> None:
    layers = capture(Residual(), x(2, 5)).layers
    assert [layer.path for layer in layers] == ["blocks.0", "blocks.1"]


def test_the_users_module_keeps_its_class() -> None:
    module = Inside()
    capture(module, x(2, 5))
    assert type(module.own) is OwnForward
    assert not any("edgernn" in name for name, _ in module.named_modules())


def test_a_recurrent_module_of_the_users_own_is_refused(tmp_path: Path) -> None:
    class Own(nn.RNNBase):
        def __init__(self) -> None:
            super().__init__("GRU", FEATURES, HIDDEN, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
            return x @ self.weight_ih_l0.T

    with pytest.raises(ExportError, match=r"Own is a subclass of nn\.RNNBase itself"):
        export(nn.Sequential(Own()), tmp_path / "model.onnx", *x(2, 5))
