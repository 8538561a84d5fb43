"""Bandwidth, floor, weights."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edgernn.bench.floor import Floor, bandwidth, measure_floor
from edgernn.bench.weights import weight_bytes


def test_the_floor_is_bytes_over_bandwidth():
    floor = Floor(weight_bytes=1_000_000, bytes_per_second=1e11)
    assert floor.microseconds == pytest.approx(10.0)
    assert floor.percent(40.0) == pytest.approx(25.0)


def test_the_fixed_cost_of_a_call_is_taken_off(clock):
    # Every look at the clock costs the same, so full and empty passes take equally long: nothing is left.
    def ticking():
        clock.now += 500
        return clock.now

    assert bandwidth(4096, clock=ticking) == pytest.approx(4096 / 1e-9)


def test_a_file_without_weights_has_no_floor():
    assert measure_floor(0) is None


def test_weights_are_counted_as_onnx_counts_them(gru):
    path = gru()
    graph = onnx.load(path).graph
    assert weight_bytes(path) == sum(numpy_helper.to_array(tensor).nbytes for tensor in graph.initializer)


def test_weights_that_are_not_raw_bytes_are_counted_too(gru):
    path = gru()
    model = onnx.load(path)
    del model.graph.initializer[:]
    values = np.arange(12, dtype=np.float32)
    model.graph.initializer.append(onnx.helper.make_tensor("W", onnx.TensorProto.FLOAT, [12], values))
    onnx.save(model, path)
    assert weight_bytes(path) == values.nbytes
