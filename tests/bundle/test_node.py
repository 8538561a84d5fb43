"""The Node.js bundle runs on onnxruntime-node and gives what edgernn gives; its types hold."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edgernn
from edgernn.verify.report import output_scale
from edgernn.verify.tolerances import ANOTHER_DEVICE

from .conftest import (
    Bundled,
    best_words,
    change_golden,
    change_weights,
    corrupt_model,
    forecast_lines,
    link,
    rows_of,
    write_wave,
)

pytestmark = pytest.mark.slow


def node(folder: Path, *words: str, input: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program of the bundle."""
    return subprocess.run(
        ["node", *words], cwd=folder, input=input, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def folder(bundled: Bundled, npm_folder: Path) -> Path:
    """The bundle, with its packages."""
    made = bundled("node")
    link(made, npm_folder)
    return made


def test_it_gives_what_edgernn_gives(folder: Path, models: dict[str, Path], tmp_path: Path) -> None:
    done = node(folder, "main.mjs", "--check")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("golden vectors pass") == 3
    lines, expected = forecast_lines(models)
    done = node(folder, "main.mjs", "--model", "forecast", "-", input=lines)
    assert done.returncode == 0, done.stderr
    assert np.abs(rows_of(done.stdout) - expected).max() < ANOTHER_DEVICE * output_scale(expected)
    samples = write_wave(tmp_path / "sound.wav", 8000, 0.5)
    done = node(folder, "main.mjs", "--model", "spotter", str(tmp_path / "sound.wav"))
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == best_words(models, samples)
    for text, told in (("1\n", "line 1 holds 1 values"), ("1 2\nnan 2\n", "no finite number")):
        done = node(folder, "main.mjs", "--model", "forecast", "-", input=text)
        assert done.returncode == 2
        assert told in done.stderr


@pytest.mark.parametrize("change", [change_golden, change_weights, corrupt_model])
def test_it_refuses_what_differs(folder: Path, change: Callable[[Path, str], None]) -> None:
    for name in ("spotter", "forecast"):
        change(folder / "models", name)
        done = node(folder, "main.mjs", "--model", name, "-")
        assert done.returncode == 1
        assert "refused: " in done.stderr
        assert done.stdout == ""


PROGRAM = """
import fs from 'node:fs';
import { loadModel } from './load.mjs';
import { SeveralStream, SpotterStream } from './streams.mjs';
const { x, token } = JSON.parse(fs.readFileSync(process.argv[2]));
const { model } = await loadModel('several');
const [first, second] = [new SeveralStream(model), new SeveralStream(model)];
const spotter = new SpotterStream((await loadModel('spotter')).model);
const found = [];
let kept;
const push = async (stream, at) =>
  [...(await stream.push(x.slice(at, at + 2).flat(), token.slice(at, at + 2))).hidden.data];
for (let at = 0; at < x.length; at += 2) {
  if (at === 4) kept = first.snapshot();
  found.push(...await push(first, at));
}
second.restore(kept);
const again = [];
for (let at = 4; at < x.length; at += 2) again.push(...await push(second, at));
const failures = [];
const tries = {
  '9 values do not fill': () => first.push(x.slice(0, 3).flat(), token.slice(0, 3)),
  '4 values do not fill': () => first.push(x.slice(0, 2).flat(), token.slice(0, 4)),
  'a multiple of 80 steps, found 81': () => spotter.push(new Float32Array(81)),
  'expected 2 inputs': () => first.pushAll([1]),
  'damaged': () => first.restore(kept.subarray(1)),
  'at work': () => Promise.all([push(first, 0), push(first, 2)]),
};
for (const [told, act] of Object.entries(tries)) {
  try {
    await act();
    failures.push(`${told}: no error`);
  } catch (error) {
    if (!error.message.includes(told)) failures.push(`${told}: ${error.message}`);
  }
}
console.log(JSON.stringify({ found, again, failures, kept: Buffer.from(kept).toString('hex') }));
"""


def test_the_class_streams_several_inputs_and_outputs(folder: Path, models: dict[str, Path]) -> None:
    random = np.random.default_rng(3)
    x, token = random.standard_normal((10, 3)).astype(np.float32), random.integers(0, 10, 10)
    (folder / "in.json").write_text(json.dumps({"x": x.tolist(), "token": token.tolist()}))
    (folder / "program.mjs").write_text(PROGRAM)
    done = node(folder, "program.mjs", "in.json")
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    stream = edgernn.load(models["several"]).stream()
    pushes = []
    for at in range(0, 10, 2):
        if at == 4:  # a snapshot is the same bytes in every language
            body = b"".join(array.tobytes() for array in stream.states.values())
        pushes.append(stream.push(x[None, at : at + 2], token[None, at : at + 2]))
    expected = np.concatenate([push["hidden"].reshape(-1) for push in pushes if isinstance(push, dict)])
    allowed = ANOTHER_DEVICE * output_scale(expected)
    assert np.abs(np.array(answers["found"]) - expected).max() <= allowed
    assert np.abs(np.array(answers["again"]) - expected[24:]).max() <= allowed
    assert answers["failures"] == []
    digest, found = bytes.fromhex(answers["kept"])[:32], bytes.fromhex(answers["kept"])[32:]
    assert digest.hex() == edgernn.load(models["several"]).digest
    assert np.abs(np.frombuffer(found, np.float32) - np.frombuffer(body, np.float32)).max() < 1e-6


TYPED = """
import { loadModel } from './load.mjs';
import { SeveralStream } from './streams.mjs';
const { model } = await loadModel('several');
const stream = new SeveralStream(model);
const { hidden, classOutput } = await stream.push(new Float32Array(6), [1, 2]);
const size: number = hidden.data.length + classOutput.dims[0];
const saved: Uint8Array = stream.snapshot();
"""


def test_the_types_hold(folder: Path) -> None:
    command = [
        str(folder / "node_modules/.bin/tsc"),
        "--strict",
        "--noEmit",
        "--target",
        "es2022",
        "--module",
        "nodenext",
    ]
    for text, passes in ((TYPED, True), (TYPED + "stream.push('a');\n", False)):
        (folder / "typed.mts").write_text(text)
        done = subprocess.run(
            [*command, "typed.mts"], cwd=folder, capture_output=True, text=True, check=False
        )
        assert (done.returncode == 0) is passes, done.stdout


def test_npm_installs_it(bundled: Bundled, npm_folder: Path) -> None:
    """The README's own commands, with npm's store of what the other tests installed."""
    folder = bundled("node")
    done = subprocess.run(
        ["npm", "install"], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    done = subprocess.run(
        ["npm", "run", "--silent", "check"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("golden vectors pass") == 3
