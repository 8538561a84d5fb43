"""A keyword spotter for words that are only typed, from the command line to what its file hears."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import Result

from edgernn.sound import write_sound
from edgernn.training import load_run
from edgernn.training.voices import PROGRAM, speak, voices

RATE = 8000
Invoke = Callable[..., Result]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="needs espeak-ng (see README.md)")
def test_typed_words_are_learned_and_found(tmp_path: Path, invoke: Invoke) -> None:
    """From words on the command line to what a file of a quarter of the size hears."""
    options = {
        "word_voices": 40, "other_words": 60, "hidden_size": 48, "num_layers": 1, "bands": 20,
        "sample_rate": RATE, "loudest_noise": 20, "clean_share": 0.5, "max_epochs": 20, "batch_size": 8,
        "dropout": 0, "hidden_frames": 0, "hidden_bands": 0, "stream_minutes": 2,
        "false_alarms_per_hour": 60,
    }  # fmt: skip
    settings = [word for name, value in options.items() for word in ("--set", f"{name}={value}")]
    command = ("train", "keyword-spot", "--words", "stop,go", "--learning-rate", 0.01, "--device", "cpu")
    result = invoke(*command, *settings, "--out", tmp_path / "run", "--json")
    assert result.exit_code == 0, result.output
    run = load_run(tmp_path / "run")
    assert run.config.metadata.labels == ("go", "stop", "<unknown>", "<silence>")
    assert "that espeak-ng says" in run.config.source
    # A fifth of the voices are only scored.
    assert json.loads(result.stdout)["test_samples"] == 2 * 40 / 5
    assert run.config.scores["accuracy"] > 0.8 > run.config.scores["accuracy/majority"]
    assert invoke("export", tmp_path / "run", "-o", tmp_path / "f.onnx", "--streaming").exit_code == 0
    small = tmp_path / "i.onnx"
    assert invoke("quantize", tmp_path / "f.onnx", "-o", small).exit_code == 0
    parts: list[np.ndarray] = []
    due: list[tuple[str, float]] = []
    for voice in voices(12, 99):
        for text in ("seven", "stop", "bird", "go"):
            parts += [speak(text, voice, RATE).numpy(), np.zeros(RATE // 4, np.float32)]
            due.append((text, sum(map(len, parts)) / RATE))
    write_sound(tmp_path / "all.wav", np.concatenate(parts), RATE)
    events = json.loads(invoke("run", small, tmp_path / "all.wav", "--json").stdout)["events"]
    begun = right = wrong = 0.0
    for text, end in due:
        named = {event["word"] for event in events if begun < event["time"] <= end} - {"<unknown>"}
        right += text in named
        wrong += len(named - {text})
        begun = end
    assert wrong <= 2
    assert right >= 8
