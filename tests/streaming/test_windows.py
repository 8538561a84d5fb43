"""Convolutions, pooling, framing, padding, sums: each streams what the whole sequence gives."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import edgernn
from edgernn.errors import ParityError, StreamingError
from edgernn.verify.tolerances import tolerance

CHANNELS = 4


class Network(nn.Module):
    """A function of some modules."""

    def __init__(self, function: Callable[[nn.ModuleList, Tensor], Tensor], *modules: nn.Module):
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(modules)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.parts, x)


def turned(x: Tensor) -> Tensor:
    """(batch, time, features) ↔ (batch, features, time)."""
    return x.transpose(1, 2)


def convolution(**options: object) -> nn.Conv1d:
    return nn.Conv1d(CHANNELS, CHANNELS, **{"kernel_size": 3, **options})


def causal(part: nn.Conv1d, x: Tensor) -> Tensor:
    return turned(part(F.pad(turned(x), (part.dilation[0] * (part.kernel_size[0] - 1), 0))))


def overlapping() -> nn.Module:
    return nn.ConvTranspose1d(4, 3, 4, stride=2)


def gapped() -> nn.Module:
    return nn.ConvTranspose1d(4, 3, 2, stride=3, output_padding=1)


CASES: dict[str, tuple[Callable[[], nn.Module], int]] = {
    # name: (network, look-ahead)
    "causal": (lambda: Network(lambda m, x: causal(m[0], x), convolution()), 0),
    "dilated": (lambda: Network(lambda m, x: causal(m[0], x), convolution(dilation=3)), 0),
    "grouped": (lambda: Network(lambda m, x: causal(m[0], x), convolution(groups=2)), 0),
    "strided": (lambda: Network(lambda m, x: causal(m[0], x), convolution(stride=2)), 0),
    "stride beyond the kernel": (
        lambda: Network(lambda m, x: turned(m[0](turned(x))), convolution(kernel_size=2, stride=3)),
        0,
    ),
    "padded with another value": (
        lambda: Network(
            lambda m, x: turned(m[0](F.relu(F.pad(turned(x), (2, 0), value=1.5) * 0.5))), convolution()
        ),
        0,
    ),
    "cut at the end": (
        lambda: Network(lambda m, x: turned(m[0](turned(x))[..., :-2]), convolution(padding=2)),
        0,
    ),
    "cut to the input's length": (
        lambda: Network(lambda m, x: turned(m[0](turned(x))[:, :, : x.size(1)]), convolution(padding=2)),
        0,
    ),
    "without padding, then a GRU": (
        lambda: Network(
            lambda m, x: m[1](turned(m[0](turned(x))))[0], convolution(), nn.GRU(4, 5, batch_first=True)
        ),
        0,
    ),
    "centred": (lambda: Network(lambda m, x: turned(m[0](turned(x))), convolution(padding=1)), 1),
    "centred with a residual and an LSTM": (
        lambda: Network(
            lambda m, x: m[2](x + turned(m[1](F.relu(m[0](turned(x))))))[0],
            convolution(padding=1),
            convolution(kernel_size=5, padding="same"),
            nn.LSTM(4, 5, batch_first=True),
        ),
        3,
    ),
    "transposed": (
        lambda: Network(
            lambda m, x: turned(m[0](turned(x))[..., :-2]), nn.ConvTranspose1d(4, 3, 4, stride=2)
        ),
        0,
    ),
    "transposed with a gap": (
        lambda: Network(
            lambda m, x: turned(m[0](turned(x))), nn.ConvTranspose1d(4, 3, 2, stride=3, output_padding=1)
        ),
        0,
    ),
    "two dimensions": (
        lambda: Network(
            lambda m, x: m[0](F.pad(x.unsqueeze(1), (1, 1, 2, 0))).transpose(1, 2).flatten(2),
            nn.Conv2d(1, 3, (3, 3), stride=(1, 2)),
        ),
        0,
    ),
    "max pooling": (lambda: Network(lambda m, x: turned(F.max_pool1d(turned(x), 3, 2))), 0),
    "centred max pooling": (lambda: Network(lambda m, x: turned(F.max_pool1d(turned(x), 3, 1, 1))), 1),
    "average pooling": (lambda: Network(lambda m, x: turned(F.avg_pool1d(turned(x), 2))), 0),
    "framing and Fourier": (
        lambda: Network(lambda m, x: torch.fft.rfft(x[..., 0].unfold(1, 8, 4) * torch.hann_window(8)).abs()),
        0,
    ),
    "differences": (lambda: Network(lambda m, x: F.pad(x[:, 1:] - x[:, :-1], (0, 0, 1, 0))), 0),
    "cumulative mean": (lambda: Network(lambda m, x: x.cumsum(1) / torch.ones_like(x).cumsum(1)), 0),
    "every second step": (lambda: Network(lambda m, x: x[:, ::2]), 0),
    "a constant in front": (
        lambda: Network(
            lambda m, x: turned(m[0](torch.cat([torch.zeros(x.size(0), 4, 2), turned(x)], 2))), convolution()
        ),
        0,
    ),
    "a padding before a GRU": (
        lambda: Network(lambda m, x: m[0](F.pad(x, (0, 0, 3, 0)))[0][:, 3:], nn.GRU(4, 3, batch_first=True)),
        0,
    ),
    "last step behind a stride": (
        lambda: Network(
            lambda m, x: m[2](m[1](causal(m[0], x))[0][:, -1]),
            convolution(stride=2),
            nn.GRU(4, 3, batch_first=True),
            nn.Linear(3, 2),
        ),
        0,
    ),
    "steps as rows and back": (
        lambda: Network(lambda m, x: m[0](x.reshape(-1, 4)).view(x.size(0), x.size(1), 3), nn.Linear(4, 3)),
        0,
    ),
}

FAST = ("causal", "centred with a residual and an LSTM", "last step behind a stride")


def exported(network: nn.Module, folder: Path, lookahead: int, **options: object) -> Path:
    """Export proves the file equal under random chunk schedules before it returns."""
    path = folder / "model.onnx"
    manifest = edgernn.export(
        network.eval(), path, torch.randn(1, 20, CHANNELS), streaming=True, lookahead=lookahead, **options
    )
    assert manifest.lookahead_steps == lookahead
    assert manifest.parity["passed"]
    assert manifest.parity["max_relative_error"] <= tolerance("float32", "float32")
    return path


@pytest.mark.parametrize(
    "name", [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in CASES]
)
def test_each_kind_streams_what_the_whole_gives(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    make, lookahead = CASES[name]
    exported(make(), tmp_path, lookahead)


@pytest.mark.slow
@pytest.mark.parametrize("recurrence", ["scan", "loop", "unrolled"])
def test_layers_behind_a_delay_in_every_form(recurrence: str, tmp_path: Path) -> None:
    """Frames before the sequence's first must not move a state, however the layer is written."""
    torch.manual_seed(0)
    make, lookahead = CASES["centred with a residual and an LSTM"]
    exported(make(), tmp_path, lookahead, recurrence=recurrence, chunk=4)


@pytest.mark.slow
def test_streams_of_a_pool_start_at_different_times(tmp_path: Path) -> None:
    """Each row of a batch counts its own steps: one stream's warm-up is not another's."""
    torch.manual_seed(0)
    make, lookahead = CASES["centred with a residual and an LSTM"]
    network = make().eval()
    session = edgernn.load(exported(network, tmp_path, lookahead))
    x = torch.randn(2, 14, CHANNELS).numpy()
    pool = session.pool(2)
    first = pool.open()
    outputs: dict[int, list[np.ndarray]] = {0: [], 1: []}
    second = None
    for step in range(14):
        if step == 4:
            second = pool.open()
        pool.push(first, x[:1, step : step + 1])
        if second is not None:
            pool.push(second, x[1:, step - 4 : step - 3])
        for number, result in pool.step().items():
            outputs[int(number != first)].append(result)
    for row in (0, 1):
        streamed = np.concatenate(outputs[row], axis=1)[:, lookahead:]
        whole = network(torch.from_numpy(x[row : row + 1])).detach().numpy()
        assert np.abs(streamed - whole[:, : streamed.shape[1]]).max() < 1e-5


def test_look_ahead_is_refused_until_it_is_allowed(tmp_path: Path) -> None:
    network = CASES["centred"][0]()
    with pytest.raises(
        StreamingError, match=r"module 'parts.0' \(Conv1d\).*looks 1 input steps ahead.*lookahead=1"
    ):
        exported(network, tmp_path, 0)


def test_a_chunk_that_is_no_multiple_of_the_hop_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StreamingError, match="3 steps are no multiple of the module's hop, 2"):
        exported(CASES["strided"][0](), tmp_path, 0, chunk=3)


def test_a_mean_over_all_time_becomes_the_mean_so_far_where_asked(tmp_path: Path) -> None:
    network = Network(lambda m, x: m[0](x.mean(1)), nn.Linear(CHANNELS, 2))
    with pytest.raises(StreamingError, match="running_mean=True"):
        exported(network, tmp_path, 0)
    exported(network, tmp_path, 0, running_mean=True)


REFUSED: dict[str, tuple[Callable[[nn.ModuleList, Tensor], Tensor], str]] = {
    "reflected padding": (lambda m, x: F.pad(turned(x), (2, 0), mode="reflect"), "mode 'reflect'"),
    "group normalisation": (lambda m, x: F.group_norm(turned(x), 2), "group_norm runs over all time"),
    "last step of something centred": (lambda m, x: turned(m[0](turned(x)))[:, -1], "looks ahead"),
    "mean over the batch": (lambda m, x: x - x.mean(0, keepdim=True), "batch"),
    "rows of the batch": (lambda m, x: x + x[:1], "rows of the batch"),
    "padded output": (lambda m, x: F.pad(x, (0, 0, 2, 0)), "padded frames that come before the input"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_cannot_stream_is_refused_with_the_reason(name: str, tmp_path: Path) -> None:
    function, reason = REFUSED[name]
    with pytest.raises(StreamingError, match=reason):
        exported(Network(function, convolution(padding=1)), tmp_path, 0)
    assert not list(tmp_path.iterdir())


def test_a_history_that_is_lost_is_noticed(tmp_path: Path) -> None:
    """Negative control: with its history wired to zero the file no longer equals the network."""
    import onnx

    torch.manual_seed(0)
    network = CASES["causal"][0]().eval()
    path = exported(network, tmp_path, 0)
    model = onnx.load(path)
    state = edgernn.load(path).manifest.states[0]
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            if name == state.input:
                node.input[index] = "nothing"
    zero = onnx.helper.make_node("Sub", [state.input, state.input], ["nothing"])
    model.graph.node.insert(0, zero)
    onnx.save(model, path)
    report = edgernn.verify(network, path)
    assert not report.passed
    with pytest.raises(ParityError):
        report.raise_if_failed()


@dataclass(frozen=True)
class Block:
    """One block of a random network: (batch, time, 4) → (batch, time, 4)."""

    kind: str
    kernel: int
    stride: int


BLOCKS = st.builds(
    Block,
    st.sampled_from(
        [
            "causal",
            "centred",
            "valid",
            "strided",
            "up",
            "gru",
            "lstm",
            "rnn",
            "norm",
            "residual",
            "delta",
            "pool",
        ]
    ),
    st.integers(1, 4),
    st.integers(1, 2),
)


class Blocks(nn.Module):
    """A network of blocks in a row."""

    def __init__(self, blocks: list[Block]):
        super().__init__()
        self.blocks = blocks
        self.parts = nn.ModuleList(self._part(block) for block in blocks)

    def _part(self, block: Block) -> nn.Module:
        recurrent = {"gru": nn.GRU, "lstm": nn.LSTM, "rnn": nn.RNN}
        if block.kind in recurrent:
            return recurrent[block.kind](CHANNELS, CHANNELS, batch_first=True)
        if block.kind == "up":
            return nn.ConvTranspose1d(CHANNELS, CHANNELS, block.stride + block.kernel - 1, block.stride)
        if block.kind == "norm":
            return nn.LayerNorm(CHANNELS)
        stride = block.stride if block.kind == "strided" else 1
        kernel = 2 * (block.kernel // 2) + 1 if block.kind in ("centred", "residual") else block.kernel
        return convolution(kernel_size=kernel, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        for block, part in zip(self.blocks, self.parts, strict=True):
            x = self._run(block, part, x)
        return x

    def _run(self, block: Block, part: nn.Module, x: Tensor) -> Tensor:
        if block.kind in ("gru", "lstm", "rnn"):
            return part(x)[0]
        if block.kind in ("causal", "strided"):
            return causal(part, x)
        if block.kind in ("centred", "residual"):
            half = part.kernel_size[0] // 2
            y = turned(part(F.pad(turned(x), (half, half))))
            return x + torch.tanh(y) if block.kind == "residual" else y
        if block.kind == "up":
            y = part(turned(x))
            return turned(y[..., : -(block.kernel - 1)] if block.kernel > 1 else y)
        if block.kind == "delta":
            return torch.cat([x[..., :2], F.pad(x[:, 1:, 2:] - x[:, :-1, 2:], (0, 0, 1, 0))], dim=-1)
        if block.kind == "pool":
            return turned(F.avg_pool1d(turned(x), block.kernel, 1))
        return torch.tanh(part(turned(x))).transpose(1, 2) if block.kind == "valid" else part(x)


@pytest.mark.slow
@settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)
@given(blocks=st.lists(BLOCKS, min_size=2, max_size=6), seed=st.integers(0, 1000))
def test_random_networks_stream_what_the_whole_gives(blocks: list[Block], seed: int) -> None:
    torch.manual_seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        manifest = edgernn.export(
            Blocks(blocks).eval(),
            Path(folder) / "model.onnx",
            torch.randn(1, 24, CHANNELS),
            streaming=True,
            lookahead=10_000,
        )
        assert manifest.parity["passed"]
