"""Cold starts in fresh processes."""

import sys

import pytest

from edgernn.bench.process import cold_start
from edgernn.errors import ModelError

ARGUMENTS = {"provider": "cpu", "threads": 1, "batch": 2, "steps": 3}


def test_a_fresh_process_loads_and_calls(gru):
    start = cold_start(gru(), processes=2, **ARGUMENTS)
    assert start.processes == 2
    assert min(start.import_ms, start.load_ms, start.first_call_ms) > 0
    if sys.platform == "linux":
        assert start.memory_peak_bytes >= start.memory_before_bytes > 1 << 20


def test_what_the_process_said_is_passed_on(gru):
    path = gru()
    path.write_bytes(b"not a model")
    with pytest.raises(ModelError, match=r"a fresh process could not run .*not an ONNX file"):
        cold_start(path, processes=1, **ARGUMENTS)
