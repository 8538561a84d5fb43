"""On a device that has only what edgernn itself needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

# None in sys.modules makes an import fail as if the package were not installed.
CALL = (
    "import json, sys\n"
    "extras = ('torch', 'onnx', 'onnx_ir', 'onnxscript', 'safetensors', 'lightning', 'pandas', 'uvicorn')\n"
    "sys.modules.update(dict.fromkeys((*extras, 'ray')))\n"
    "sys.argv = ['edgernn', *json.loads(sys.argv[1])]\n"
    "from edgernn.cli import main\n"
    "main()\n"
)


def call(*words: object, input: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CALL, json.dumps([str(word) for word in words])],
        capture_output=True,
        text=True,
        check=False,
        input=input,
    )


def test_a_file_is_inspected_and_run(streaming: Path) -> None:
    inspected = call("inspect", streaming)
    assert inspected.returncode == 0, inspected.stderr
    assert "install the package onnx to count them" in inspected.stdout
    done = call("run", streaming, "-", input="1,2,3\n")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1), done.stderr


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("export", "my_models:Net", "-o", "a.onnx", "--example", "1x2x3"), "export"),
        (("verify", "my_models:Net", "{file}"), "export"),
        (("quantize", "{file}", "-o", "a.onnx"), "export"),
        (("inspect", "{file}", "--providers", "cpu"), "export"),
        (("serve", "{file}", "--port", "0"), "serve"),
        (("run", "{file}", "{folder}", "-o", "{folder}/out", "--engine", "ray"), "ray"),
    ],
)
def test_what_needs_an_extra_says_which(
    streaming: Path, tmp_path: Path, words: tuple[str, ...], extra: str
) -> None:
    np.save(tmp_path / "x.npy", np.ones((2, 3), np.float32))
    done = call(*(word.format(file=streaming, folder=tmp_path) for word in words))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"pip install 'edgernn[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr
