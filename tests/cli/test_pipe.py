"""Real processes and pipes: what a runner in this process cannot show."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import edgernn

EDGERNN = [sys.executable, "-m", "edgernn.cli"]


@contextmanager
def process(*words: object, stdin: int = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*EDGERNN, *map(str, words)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        bufsize=1,
        # Where the tests run in the background of a shell, their children would not hear Ctrl-C.
        preexec_fn=_hear_ctrl_c,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def _hear_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def next_line(started: subprocess.Popen[str], seconds: float = 60.0) -> str:
    """The next line of the answer, while the input is still open."""
    ready, _, _ = select.select([started.stdout], [], [], seconds)
    assert ready, "no answer to this line before the next one"
    return started.stdout.readline()


def test_each_line_is_answered_before_the_next_is_written(streaming: Path) -> None:
    stream = edgernn.load(streaming).stream()
    with process("run", streaming, "-") as started:
        for values in np.random.default_rng(1).normal(size=(5, 3)).round(3):
            started.stdin.write(" ".join(map(str, values)) + "\n")
            started.stdin.flush()
            answer = [float(cell) for cell in next_line(started).split(",")]
            expected = stream.push(values[None, None].astype(np.float32))
            np.testing.assert_allclose(answer, expected[0, 0], rtol=1e-5, atol=1e-6)
        started.stdin.close()
        assert started.wait(30) == 0
        assert started.stderr.read() == ""


def test_a_reader_that_goes_is_no_error(streaming: Path) -> None:
    with process("run", streaming, "-") as started:
        started.stdin.write("1,2,3\n")
        started.stdin.flush()
        next_line(started)
        started.stdout.close()
        started.stdin.write("1,2,3\n" * 100)
        started.stdin.close()
        assert started.wait(30) == 141
        assert started.stderr.read() == ""


def test_ctrl_c_ends_a_stream_and_keeps_its_states(streaming: Path, tmp_path: Path) -> None:
    state = tmp_path / "state.npz"
    with process("run", streaming, "-", "--save-state", state) as started:
        started.stdin.write("1,2,3\n")
        started.stdin.flush()
        next_line(started)
        started.send_signal(signal.SIGINT)
        assert started.wait(30) == 130
        assert "Traceback" not in started.stderr.read()
    assert state.is_file()


def test_tracebacks_on_request_only(tmp_path: Path) -> None:
    for debug in ("", "1"):
        done = subprocess.run(
            [*EDGERNN, "inspect", tmp_path / "none.onnx"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "EDGERNN_DEBUG": debug},
        )
        assert done.returncode == 2
        assert ("Traceback" in done.stderr) == bool(debug)
        assert done.stderr.splitlines()[-1].startswith("Error: model: no file at")
