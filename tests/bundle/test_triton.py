"""The Triton repository: its configuration is one, and carrying it out gives what edgernn gives."""

from __future__ import annotations

import importlib.util
import json
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from google.protobuf import text_format

import edgernn
from edgernn.errors import InputError
from edgernn.runtime.random_inputs import draw_input
from edgernn.verify.tolerances import ANOTHER_DEVICE

from .conftest import Bundled, rewritten

DTYPES = {"TYPE_FP32": "float32", "TYPE_INT64": "int64", "TYPE_BOOL": "bool", "TYPE_FP64": "float64"}


@pytest.fixture(scope="module")
def definitions() -> ModuleType:
    """Triton's own definitions of a configuration, without the rest of its client."""
    wanted = ("tritonclient", "grpc", "model_config_pb2.py")
    files = metadata.files("tritonclient") or ()
    (path,) = [Path(str(file.locate())) for file in files if file.parts == wanted]
    spec = importlib.util.spec_from_file_location("model_config_pb2", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class Server:
    """What Triton does by a configuration: implicit states by sequence, requests of a batch in one call."""

    def __init__(self, definitions: ModuleType, place: Path) -> None:
        text = (place / "config.pbtxt").read_text()
        self.config = text_format.Parse(text, definitions.ModelConfig())
        self.types = definitions.DataType
        self.place = place
        self.session = onnxruntime.InferenceSession(str(place / "1" / "model.onnx"))
        self.states: dict[int, list[np.ndarray]] = {}

    def dims(self, tensor: Any) -> list[int]:
        """What the model's tensor must have, the batch in front where the configuration has one."""
        return [*([-1] if self.config.max_batch_size else []), *tensor.dims]

    def start(self, sequence: int) -> None:
        """Initial states, from the files that the configuration names."""
        self.states[sequence] = []
        for state in self.config.sequence_batching.state:
            (initial,) = state.initial_state
            assert list(initial.dims) == list(state.dims)
            dtype = DTYPES[self.types.Name(state.data_type)]
            values = np.frombuffer((self.place / "initial_state" / initial.data_file).read_bytes(), dtype)
            batch = [1] if self.config.max_batch_size else []
            self.states[sequence].append(values.reshape([*batch, *state.dims]))

    def infer(self, sequences: list[int], inputs: list[list[np.ndarray]]) -> list[list[np.ndarray]]:
        """One call for several sequences; the outputs of each."""
        states = self.config.sequence_batching.state
        feed = {
            spec.name: np.concatenate([request[index] for request in inputs])
            for index, spec in enumerate(self.config.input)
        }
        for index, state in enumerate(states):
            feed[state.input_name] = np.concatenate([self.states[sequence][index] for sequence in sequences])
        names = [spec.name for spec in self.config.output] + [state.output_name for state in states]
        results = self.session.run(names, feed)
        outputs = len(self.config.output)
        for row, sequence in enumerate(sequences):
            self.states[sequence] = [array[row : row + 1] for array in results[outputs:]]
        return [[array[row : row + 1] for array in results[:outputs]] for row in range(len(sequences))]


@pytest.mark.parametrize("name", ["spotter", "forecast", "several"])
def test_what_the_configuration_says_gives_what_edgernn_gives(
    definitions: ModuleType, bundled: Bundled, models: dict[str, Path], name: str
) -> None:
    server = Server(definitions, bundled("triton") / "model_repository" / name)
    assert server.config.name == name
    assert server.config.backend == "onnxruntime"
    assert server.config.max_batch_size > 1
    random = np.random.default_rng(7)
    session = edgernn.load(models[name])
    streams = [session.stream(), session.stream()]
    for sequence in (0, 1):
        server.start(sequence)
    for _ in range(3):
        steps = session.manifest.chunk or 2 * session.manifest.hop
        chunks = [[draw_input(spec, 1, steps, random) for spec in session.inputs] for _ in streams]
        answers = server.infer([0, 1], chunks)
        for stream, chunk, answer in zip(streams, chunks, answers, strict=True):
            result = stream.push(*chunk)
            for expected, found in zip(
                result.values() if isinstance(result, dict) else [result], answer, strict=True
            ):
                np.testing.assert_allclose(
                    found, expected, rtol=0, atol=ANOTHER_DEVICE * max(1.0, float(np.abs(expected).max()))
                )


@pytest.mark.parametrize("name", ["spotter", "forecast", "several"])
def test_the_configuration_agrees_with_the_model(
    definitions: ModuleType, bundled: Bundled, name: str
) -> None:
    server = Server(definitions, bundled("triton") / "model_repository" / name)
    graph = {item.name: item for item in (*server.session.get_inputs(), *server.session.get_outputs())}
    tensors = {item.name: item for item in (*server.config.input, *server.config.output)}
    for state in server.config.sequence_batching.state:
        tensors |= {state.input_name: state, state.output_name: state}
    assert set(tensors) == set(graph)
    for tensor_name, tensor in tensors.items():
        shape = [size if isinstance(size, int) else -1 for size in graph[tensor_name].shape]
        assert server.dims(tensor) == shape, tensor_name
        assert len(tensor.dims) > 0  # Triton takes no tensor without dimensions


def test_states_that_are_swapped_are_seen(
    definitions: ModuleType, bundled: Bundled, models: dict[str, Path]
) -> None:
    """So that the comparison above looks at states: those of one stream given to the other."""
    server = Server(definitions, bundled("triton") / "model_repository" / "forecast")
    x = np.random.default_rng(8).standard_normal((4, 1, 1, 2)).astype(np.float32)
    for sequence in (0, 1):
        server.start(sequence)
    server.infer([0, 1], [[x[0]], [x[1]]])
    server.states[0], server.states[1] = server.states[1], server.states[0]
    (found,), _ = server.infer([0, 1], [[x[2]], [x[3]]])
    stream = edgernn.load(models["forecast"]).stream()
    stream.push(x[0])
    assert np.abs(found - np.asarray(stream.push(x[2]))).max() > 1e-3


def test_a_model_with_a_fixed_batch_takes_one_stream_a_call(
    definitions: ModuleType, models: dict[str, Path], tmp_path: Path
) -> None:
    def fix(model: onnx.ModelProto, manifest: dict[str, Any]) -> None:
        for value in (*model.graph.input, *model.graph.output):
            for dim in value.type.tensor_type.shape.dim:
                if dim.dim_param == "batch":
                    dim.dim_value = 1
        for item in (*manifest["inputs"], *manifest["outputs"], *manifest["states"]):
            item["dims"] = [1 if dim == "batch" else dim for dim in item["dims"]]

    path = rewritten(models["forecast"], tmp_path / "fixed.onnx", fix)
    edgernn.bundle(path, tmp_path / "app", target="triton")
    server = Server(definitions, tmp_path / "app" / "model_repository" / "fixed")
    assert server.config.max_batch_size == 0
    server.start(0)
    stream = edgernn.load(path).stream()
    for chunk in np.random.default_rng(9).standard_normal((2, 1, 3, 2)).astype(np.float32):
        ((found,),) = server.infer([0], [[chunk]])
        np.testing.assert_allclose(found, stream.push(chunk), rtol=0, atol=1e-5)


def test_a_broken_configuration_is_seen(definitions: ModuleType, bundled: Bundled) -> None:
    text = (bundled("triton") / "model_repository" / "forecast" / "config.pbtxt").read_text()
    for broken in (
        text.replace("data_type", "dtype", 1),
        text.replace("TYPE_FP32", "TYPE_FLOAT", 1),
        text[:-20],
    ):
        with pytest.raises(text_format.ParseError):
            text_format.Parse(broken, definitions.ModelConfig())


class FakeClient:
    """In the place of Triton's HTTP client: the same calls, answered by `Server`."""

    def __init__(self, servers: dict[str, Server]) -> None:
        self.servers = servers

    def infer(
        self, name: str, tensors: list[Any], sequence_id: int, sequence_start: bool, sequence_end: bool
    ) -> Any:
        server = self.servers[name]
        if sequence_start:
            server.start(sequence_id)
        (outputs,) = server.infer([sequence_id], [[tensor.array for tensor in tensors]])
        by_name = dict(zip((spec.name for spec in server.config.output), outputs, strict=True))

        class Result:
            as_numpy = staticmethod(by_name.__getitem__)

        return Result()


class FakeInput:
    """In the place of `tritonclient.http.InferInput`."""

    def __init__(self, name: str, shape: list[int], datatype: str) -> None:
        self.name, self.shape, self.datatype = name, shape, datatype

    def set_data_from_numpy(self, array: np.ndarray) -> None:
        assert list(array.shape) == self.shape
        self.array = array


def test_the_client_checks_the_golden_vectors(
    definitions: ModuleType, bundled: Bundled, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = bundled("triton")
    http = ModuleType("tritonclient.http")
    http.InferInput = FakeInput  # type: ignore[attr-defined]
    package = ModuleType("tritonclient")
    package.http = http  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tritonclient", package)
    monkeypatch.setitem(sys.modules, "tritonclient.http", http)
    spec = importlib.util.spec_from_file_location("bundle_client", folder / "client.py")
    assert spec is not None
    assert spec.loader is not None
    client = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(client)
    names = ("spotter", "forecast", "several")
    servers = {name: Server(definitions, folder / "model_repository" / name) for name in names}
    for name in names:
        assert client.check(FakeClient(servers), name) < 1
    path = folder / "golden" / "spotter.json"
    golden = json.loads(path.read_text())
    golden["calls"][0]["outputs"][0][0] += 2 * golden["allowed"][0]
    path.write_text(json.dumps(golden))
    with pytest.raises(SystemExit, match="refused: spotter differs"):
        client.check(FakeClient(servers), "spotter")


def test_the_ort_format_is_refused(models: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Triton reads onnx"):
        edgernn.bundle(models["forecast"], tmp_path / "app", target="triton", format="ort")
    assert not (tmp_path / "app").exists()
