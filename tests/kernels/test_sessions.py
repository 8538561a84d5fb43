"""Files of edgernn on the kernels, in onnxruntime: sequences, streams, pools, threads, every kind of file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import edgernn
from edgernn.runtime import Session
from edgernn.verify.report import output_scale
from edgernn.verify.tolerances import tolerance

BATCH, STEPS, INPUTS, HIDDEN = 3, 24, 32, 40
SCHEMES = ("float32", "int8", "int8-stable", "int4")


class Network(nn.Module):
    """A recurrent layer and a linear head."""

    def __init__(self, layer: nn.Module, width: int) -> None:
        super().__init__()
        self.layer = layer
        self.head = nn.Linear(width, 5)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.layer(x)[0])
        return y


def _torch(kind: Callable[..., nn.Module], **options: Any) -> nn.Module:
    both = 2 if options.get("bidirectional") else 1
    return Network(kind(INPUTS, HIDDEN, batch_first=True, **options), both * HIDDEN)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "rnn": lambda: _torch(nn.RNN),
    "rnn_relu": lambda: _torch(nn.RNN, nonlinearity="relu"),
    "lstm": lambda: _torch(nn.LSTM, num_layers=2),
    "gru": lambda: _torch(nn.GRU, num_layers=2),
    "gru_without_bias": lambda: _torch(nn.GRU, bias=False),
    "lstm_both_ways": lambda: _torch(nn.LSTM, bidirectional=True),
    "gru_both_ways": lambda: _torch(nn.GRU, bidirectional=True),
    "gru_reset_first": lambda: Network(
        edgernn.Recurrent(edgernn.GRU(INPUTS, HIDDEN, reset_after=False)), HIDDEN
    ),
    "peephole_lstm": lambda: _own("PeepholeLSTM"),
    "coupled_lstm": lambda: _own("CoupledLSTM"),
    "min_gru": lambda: _own("MinGRU", layers=2),
    "min_lstm_positive_both_ways": lambda: _own("MinLSTM", bidirectional=True, positive=True),
    "layer_norm_lstm": lambda: _own("LayerNormLSTM"),
    "layer_norm_gru_both_ways": lambda: _own("LayerNormGRU", bidirectional=True),
    "ind_rnn_tanh": lambda: _own("IndRNN", activation="tanh"),
    "sru": lambda: _own("SRU", layers=2),  # the first layer's sizes differ, the second's do not
    "fast_grnn": lambda: _own("FastGRNN"),
    "projected_lstm": lambda: _own("ProjectedLSTM", cell_size=64),
}
STREAMING = [name for name in NETWORKS if not name.endswith("both_ways")]


def _own(name: str, layers: int = 1, bidirectional: bool = False, **options: Any) -> nn.Module:
    from edgernn.cells import find_cells

    cell = find_cells()[name](INPUTS, HIDDEN, **options)
    recurrent = edgernn.Recurrent(cell, num_layers=layers, bidirectional=bidirectional)
    return Network(recurrent, (2 if bidirectional else 1) * HIDDEN)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Path, nn.Module]]:
    """`files(network, scheme, streaming)`: a file, and the torch module it was made from."""
    folder, models = tmp_path_factory.mktemp("files"), {}

    def get(name: str, scheme: str, streaming: bool) -> tuple[Path, nn.Module]:
        if name not in models:
            torch.manual_seed(7)
            models[name] = NETWORKS[name]().eval()
        stem = f"{name}.{'stream' if streaming else 'sequence'}"
        source = folder / f"{stem}.float32.onnx"
        if not source.exists():
            example = torch.randn(1, 9, INPUTS)
            edgernn.export(models[name], source, example, streaming=streaming, kernels=True, check=False)
        path = folder / f"{stem}.{scheme}.onnx"
        if not path.exists():
            edgernn.quantize(source, path, scheme=scheme)
        return path, models[name]

    return get


def _on_kernels(path: Path, library: Path, **options: Any) -> Session:
    session = edgernn.load(path, kernels=library, **options)
    assert session.kernels.library == library
    assert session.kernels.functions, session.kernels.reason
    return session


def _inputs() -> np.ndarray:
    return np.random.default_rng(5).standard_normal((BATCH, STEPS, INPUTS)).astype(np.float32)


def _check(found: np.ndarray, wanted: np.ndarray, scheme: str) -> None:
    error = np.abs(found - wanted).max() / output_scale(wanted)
    assert error <= tolerance("float32", scheme), f"off by {error:.2g}"


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_sequence_gives_what_torch_gives(
    files: Callable[..., tuple[Path, nn.Module]], library: Path, name: str, scheme: str
) -> None:
    path, model = files(name, scheme, streaming=False)
    x = _inputs()
    with torch.no_grad():
        wanted = model(torch.from_numpy(x)).numpy()
    found = _on_kernels(path, library).run(x)
    _check(found, wanted, scheme)
    # To the last bit with two threads, and every row as alone.
    np.testing.assert_array_equal(_on_kernels(path, library, threads=2).run(x), found)
    _check(found, edgernn.load(path, kernels="off").run(x), scheme)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", STREAMING)
def test_a_stream_is_the_sequence_whatever_its_chunks(
    files: Callable[..., tuple[Path, nn.Module]], library: Path, name: str, scheme: str
) -> None:
    session = _on_kernels(files(name, scheme, streaming=True)[0], library)
    x, random = _inputs(), np.random.default_rng(9)
    whole, states = session.run_with_states(x)
    for _ in range(4):
        cuts = np.sort(random.choice(np.arange(1, STEPS), int(random.integers(1, 9)), replace=False))
        stream = session.stream(BATCH)
        pushed = np.concatenate([stream.push(chunk) for chunk in np.split(x, cuts, axis=1)], axis=1)
        # Of the layers, the bits are the same; onnxruntime's own head sums up in another order.
        np.testing.assert_allclose(pushed, whole, atol=1e-5 if scheme != "int8-stable" else 0)
        for state, array in stream.states.items():
            if scheme in ("int8", "int8-stable") or array.shape[0] == 1:
                np.testing.assert_allclose(array, states[state], atol=1e-6)
    pool = session.pool(BATCH)
    ids = [pool.open() for _ in range(BATCH)]
    for step in range(STEPS):
        for row, stream_id in enumerate(ids):
            pool.push(stream_id, x[row : row + 1, step : step + 1])
        for row, output in enumerate(pool.step().values()):
            np.testing.assert_allclose(output, whole[row : row + 1, step : step + 1], atol=1e-5)


def test_int8_states_are_the_same_bits_for_any_chunks(
    files: Callable[..., tuple[Path, nn.Module]], library: Path
) -> None:
    """One layer, whose input is the file's own: what `int8` promises on the kernels, and does not without."""
    session = _on_kernels(files("gru_reset_first", "int8", streaming=True)[0], library)
    x = _inputs()
    _, whole = session.run_with_states(x)
    stream = session.stream(BATCH)
    for step in range(STEPS):
        stream.push(x[:, step : step + 1])
    for name, array in stream.states.items():
        assert array.tobytes() == whole[name].tobytes()


def test_64_threads_on_one_session_agree_with_one(
    files: Callable[..., tuple[Path, nn.Module]], library: Path
) -> None:
    session = _on_kernels(files("lstm", "int8", streaming=False)[0], library)
    x = _inputs()
    wanted, equal = session.run(x), []

    def work() -> None:
        equal.extend(session.run(x).tobytes() == wanted.tobytes() for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert equal == [True] * 640


@pytest.mark.parametrize("scheme", ["float32", "int8"])
def test_threads_of_onnxruntime_share_a_row_of_a_large_layer(
    library: Path, tmp_path: Path, scheme: str
) -> None:
    """To the last bit, also where several calls at a time want the threads of one pool."""
    torch.manual_seed(3)
    model = Network(nn.GRU(INPUTS, 512, batch_first=True), 512).eval()
    path = tmp_path / "float32.onnx"
    edgernn.export(model, path, torch.randn(1, 9, INPUTS), kernels=True, check=False)
    if scheme != "float32":
        edgernn.quantize(path, tmp_path / "other.onnx", scheme=scheme)
        path = tmp_path / "other.onnx"
    x = np.random.default_rng(6).standard_normal((1, 60, INPUTS)).astype(np.float32)
    wanted = _on_kernels(path, library).run(x)
    session, equal = _on_kernels(path, library, threads=3), []

    def work() -> None:
        equal.extend(session.run(x).tobytes() == wanted.tobytes() for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert equal == [True] * 30


def test_every_forced_set_runs_and_says_so(
    files: Callable[..., tuple[Path, nn.Module]], library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgernn.kernels import SET_VARIABLE, open_library

    path, _ = files("gru_without_bias", "int8", streaming=False)
    x, found = _inputs(), {}
    for name in open_library(library).available:
        monkeypatch.setenv(SET_VARIABLE, name)
        session = _on_kernels(path, library)
        assert session.kernels.instruction_set == name
        found[name] = session.run(x)
    for name, y in found.items():
        assert y.tobytes() == found["plain"].tobytes(), name


def test_a_program_that_only_registers_the_library_runs_on_it(
    files: Callable[..., tuple[Path, nn.Module]], library: Path
) -> None:
    """As apps in other languages do: the names of functions are known without being told."""
    for name, scheme in (
        ("gru", "int8"), ("lstm", "int8"), ("gru", "int4"), ("rnn", "float32"), ("gru_without_bias", "int8"),
        ("rnn_relu", "int8-stable"), ("gru_reset_first", "int8-stable"), ("peephole_lstm", "int8"),
        ("min_gru", "int8"), ("layer_norm_lstm", "float32"), ("ind_rnn_tanh", "int8-stable"), ("sru", "int4"),
    ):  # fmt: skip
        _check_plain_program(_on_kernels(files(name, scheme, streaming=True)[0], library), _inputs())


def test_a_plain_program_runs_several_bodies_of_one_name(library: Path, tmp_path: Path) -> None:
    """Operators know the sizes of these two layers, so their functions differ: the second gets a number."""
    torch.manual_seed(4)

    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = (
                nn.GRU(*sizes, batch_first=True) for sizes in ((INPUTS, 330), (330, 240))
            )

        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = self.second(self.first(x)[0])[0]
            return y

    edgernn.export(
        Two().eval(), tmp_path / "float32.onnx", torch.randn(1, 5, INPUTS), streaming=True, check=False
    )
    path = tmp_path / "int8.onnx"
    edgernn.quantize(tmp_path / "float32.onnx", path, options={"minimum_onnxruntime": "1.22"})
    session = _on_kernels(path, library)
    assert set(session.kernels.functions) == {"GRU_int8_chunk_nbits", "GRU_int8_chunk_nbits_2"}
    _check_plain_program(session, _inputs())


def _check_plain_program(session: Session, x: np.ndarray) -> None:
    """onnxruntime with the library and nothing else must give the session's bits, and without it others."""
    import onnxruntime

    found = {}
    for registers in (True, False):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        if registers:
            options.register_custom_ops_library(str(session.kernels.library))
        by_hand = onnxruntime.InferenceSession(str(session.path), options, providers=["CPUExecutionProvider"])
        inputs = {session.inputs[0].name: x, **session.stream(BATCH).states}
        found[registers] = by_hand.run([session.outputs[0].name], inputs)[0].tobytes()
    assert found[True] == session.run(x).tobytes()
    assert found[False] != found[True]


def test_verify_proves_a_file_on_the_kernels(
    files: Callable[..., tuple[Path, nn.Module]], library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`edgernn.verify` loads files as everyone does: where a library is at hand it takes part."""
    from edgernn.kernels import VARIABLE

    monkeypatch.setenv(VARIABLE, str(library))
    for name, scheme in (("gru", "int8"), ("lstm", "float32"), ("lstm", "int4")):
        path, model = files(name, scheme, streaming=True)
        assert edgernn.load(path).kernels.functions
        assert edgernn.verify(model, path).passed


def test_an_empty_batch_and_wrong_lengths(library: Path, tmp_path: Path) -> None:
    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(INPUTS, HIDDEN, batch_first=True)

        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            y: Tensor = nn.utils.rnn.pad_packed_sequence(self.gru(packed)[0], batch_first=True)[0]
            return y

    model = Packed().eval()
    example = (torch.randn(2, 9, INPUTS), torch.tensor([9, 4]))
    edgernn.export(model, tmp_path / "packed.onnx", example, kernels=True, check=False)
    session = _on_kernels(tmp_path / "packed.onnx", library)
    x, lengths = _inputs(), np.array([STEPS, 5, 11])
    with torch.no_grad():
        wanted = model(torch.from_numpy(x), torch.from_numpy(lengths)).numpy()
    _check(session.run(x, lengths), wanted, "float32")
    for wrong in ([STEPS, -1, 3], [STEPS + 1, 1, 1]):
        with pytest.raises(edgernn.EdgeRNNError, match="sequence_lens holds"):
            session.run(x, np.array(wrong))
