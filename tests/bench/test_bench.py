"""`edgernn.bench` on files: what it reports, what it refuses."""

import json
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest

import edgernn
from edgernn.bench import draw_latency, render
from edgernn.bench.weights import weight_bytes
from edgernn.errors import InputError, ModelError, ParityError

QUICK = {"rounds": 1, "processes": 0}


def text_of(renderable) -> str:
    from rich.console import Console

    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(renderable)
    console.file.close()
    return console.export_text()


def test_a_streaming_file(gru, tmp_path):
    path = gru(sample_rate=100.0)
    report = edgernn.bench(path, rounds=2, processes=1)
    assert [item.name for item in report.measurements] == ["edgernn", "by hand"]
    assert (report.form, report.batch, report.steps, report.baseline) == ("stream", 1, 1, "by hand")
    own = report.edgernn
    assert own.ratio is None
    assert own.file_bytes == path.stat().st_size
    assert own.latency.p50 <= own.latency.p99 <= own.latency.maximum
    assert own.steps_per_second == pytest.approx(1e6 / own.latency.p50)
    # A step lasts 10 ms at 100 steps a second.
    assert own.real_time_factor == pytest.approx(own.latency.p50 / 10_000)
    assert report.floor is not None
    assert report.floor.weight_bytes == weight_bytes(path)
    assert report.percent_of_floor == pytest.approx(100 * report.floor.microseconds / own.latency.p50)
    start = report.cold_start
    assert start.total_ms == pytest.approx(start.import_ms + start.load_ms + start.first_call_ms)
    text = text_of(render(report))
    for expected in ("by hand", "p99.9", "Cold start", "Floor", "Real-time factor"):
        assert expected in text
    for ending in ("png", "svg"):
        picture = tmp_path / f"latency.{ending}"
        draw_latency(report, picture)
        assert picture.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml")


def test_json_holds_everything(gru):
    report = edgernn.bench(gru(), rounds=1, processes=1)
    data = json.loads(report.to_json())
    assert data.pop("percent_of_floor") == report.percent_of_floor
    assert data == json.loads(json.dumps(asdict(report)))
    assert data["measurements"][1]["ratio"]["to"] == "by hand"


def test_a_sequence_file_in_batches(gru):
    report = edgernn.bench(gru(streaming=False), batch=3, steps=7, **QUICK)
    assert (report.form, report.batch, report.steps, report.floor) == ("sequence", 3, 7, None)
    assert report.edgernn.steps_per_second == pytest.approx(21e6 / report.edgernn.latency.p50)
    assert report.edgernn.real_time_factor is None


def test_a_chunk_is_taken_from_the_file(gru):
    assert edgernn.bench(gru(chunk=4), **QUICK).steps == 4


def test_slower_than_looks_at_the_baseline(gru):
    report = edgernn.bench(gru(), **QUICK)
    median = report.ratio.median
    assert report.slower_than(median * 0.99)
    assert not report.slower_than(median)
    for factor in (0, -1, "2", True, float("nan")):
        with pytest.raises(InputError, match="factor"):
            report.slower_than(factor)


def test_against_another_file_which_becomes_the_baseline(gru):
    report = edgernn.bench(gru(), against=gru("other.onnx"), **QUICK)
    assert report.baseline == "against other.onnx"
    assert report.ratio == report.ratio_to("against other.onnx")


def test_against_a_plain_onnx_file(gru):
    report = edgernn.bench(gru(), against=gru("plain.onnx", manifest=False), **QUICK)
    assert report.measurements[-1].description == "plain.onnx with onnxruntime alone"


@pytest.mark.parametrize("manifest", [True, False])
def test_another_network_is_not_timed(gru, manifest):
    with pytest.raises(ParityError, match=r"'against other.onnx' does not compute what 'edgernn'"):
        edgernn.bench(gru(), against=gru("other.onnx", seed=1, manifest=manifest), **QUICK)


def test_against_another_form_is_refused(gru):
    with pytest.raises(InputError, match=r"against: .* does not take the same calls"):
        edgernn.bench(gru(), against=gru("sequence.onnx", streaming=False), **QUICK)


def test_against_a_plain_file_without_the_states_is_refused(gru):
    plain = gru("plain.onnx", manifest=False)
    import onnx

    model = onnx.load(plain)
    del model.graph.output[1]
    onnx.save(model, plain)
    with pytest.raises(ModelError, match="one output for each state"):
        edgernn.bench(gru(), against=plain, **QUICK)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch": 0}, "batch: expected a whole number from 1, found 0"),
        ({"rounds": 1.5}, "rounds: expected a whole number from 1"),
        ({"processes": -1}, "processes: expected a whole number from 0"),
        ({"steps": 0}, "steps: expected a whole number from 1"),
        ({"steps": 3}, "steps: the file takes 4 steps a call, found 3"),
        ({"threads": 0}, "threads: expected a whole number from 1"),
        ({"source": "model"}, "source: must be a torch.nn.Module, found str"),
        ({"against": "nowhere.onnx"}, "against: no file at 'nowhere.onnx'"),
        ({"example_inputs": (np.zeros(1), np.zeros(1))}, "example_inputs: 2 arrays for the file's 1 inputs"),
    ],
)
def test_wrong_arguments(gru, arguments, message):
    with pytest.raises(InputError, match=message):
        edgernn.bench(gru(chunk=4), **{**QUICK, **arguments})


def test_a_fixed_batch_is_said(gru):
    with pytest.raises(InputError, match="batch is fixed at 1"):
        edgernn.bench(gru(batch=1), batch=2, **QUICK)


def test_what_was_not_measured_is_said(gru):
    with pytest.raises(InputError, match=r"nothing called 'default path' .* only \['by hand'\]"):
        edgernn.bench(gru(), **QUICK).ratio_to("default path")


WITHOUT_TORCH = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "onnx", "onnx_ir", "onnxscript", "rich", "matplotlib"):
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Refuse())
import edgernn
report = edgernn.bench(sys.argv[1], against=sys.argv[1], rounds=1, processes=1)
print(len(report.measurements), report.cold_start.processes, len(report.to_json()) > 500)
"""


def test_a_device_needs_no_torch(gru):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(gru())], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["3", "1", "True"]
