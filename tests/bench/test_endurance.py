"""Many calls in a row: latencies counted, memory that stays behind seen."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import edgernn
from edgernn.bench import render
from edgernn.bench.contenders.base import Contender, nothing
from edgernn.bench.endurance import endure
from tests.bench.conftest import write_gru
from tests.bench.test_bench import text_of


def contender(call) -> Contender:
    return Contender("mine", "", call, lambda result: [result], nothing)


def test_every_call_is_in_the_latency() -> None:
    ticks = itertools.count(0, 1000)
    found = endure(contender(lambda: None), [], 1000, clock=lambda: next(ticks))
    assert (found.latency.calls, found.latency.p50, found.latency.maximum) == (1000, 1.0, 1.0)


def test_a_call_that_keeps_memory_is_seen() -> None:
    kept: list[bytes] = []
    leaking = endure(contender(lambda: kept.append(bytes(1000))), [], 500)
    clean = endure(contender(lambda: bytes(1000)), [], 500)
    assert leaking.kept_bytes_per_call > 1000
    assert abs(clean.kept_bytes_per_call) < 1
    assert clean.bytes_per_call >= 1000
    kept.clear()


def test_a_stream_leaves_nothing_behind_in_ten_thousand_pushes(tmp_path) -> None:
    session = edgernn.load(write_gru(tmp_path / "gru.onnx"))
    stream = session.stream()
    found = endure(contender(stream.push), [np.zeros((1, 1, 3), np.float32)], 10_000)
    assert found.watched_calls == 10_000
    assert abs(found.kept_bytes_per_call) < 1
    # The output's array and a few frames: no dictionary, no copy of the states.
    assert found.bytes_per_call < 600


@pytest.mark.parametrize("chunk", [1, 5])
def test_a_push_is_one_call_into_onnxruntime(chunk: int, tmp_path, monkeypatch) -> None:
    stream = edgernn.load(write_gru(tmp_path / "gru.onnx")).stream()
    x = np.zeros((1, chunk, 3), np.float32)
    stream.push(x)  # binds
    runs = []
    real = stream._runs
    monkeypatch.setattr(
        stream, "_runs", [lambda *arguments, run=run: (runs.append(1), run(*arguments)) for run in real]
    )
    for _ in range(7):
        stream.push(x)
    assert len(runs) == 7


def test_the_bench_reports_it(tmp_path) -> None:
    report = edgernn.bench(write_gru(tmp_path / "gru.onnx"), rounds=1, processes=0, calls=300)
    assert report.endurance is not None
    assert report.endurance.latency.calls == 300
    assert '"kept_bytes_per_call"' in report.to_json()
    text = text_of(render(report))
    assert "300 calls in a row" in text
    assert "behind, in 300 calls" in text
