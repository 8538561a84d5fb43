"""doctor and bench: what they say of this machine."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import pytest

from edgernn.cli import packages, self_test


def test_doctor_finds_its_way(invoke) -> None:
    result = invoke("doctor", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["self_test"]["result"] == "passed"
    versions = {item["name"]: item["version"] for item in found["packages"]}
    assert versions["numpy"] == importlib.metadata.version("numpy")
    assert len(versions) == len(found["packages"])
    assert found["providers"]["cpu"] == {"present": True, "install": ""}
    assert "forecast" in found["recipes"]


def test_doctor_prints_tables(invoke, monkeypatch) -> None:
    monkeypatch.setattr(self_test, "_export_and_stream", lambda path: "done.")
    text = invoke("doctor").stdout
    for part in ("Packages", "onnxruntime", "Execution providers", "instructions", "Self test passed: done."):
        assert part in text


def test_doctor_fails_where_the_self_test_does(invoke, monkeypatch) -> None:
    def broken(path: Path) -> str:
        raise RuntimeError("this build is broken")

    monkeypatch.setattr(self_test, "_export_and_stream", broken)
    result = invoke("doctor")
    assert result.exit_code == 1
    assert "Self test failed: RuntimeError: this build is broken" in result.stdout


def test_doctor_names_what_brings_a_missing_package(invoke, monkeypatch) -> None:
    version = packages._version
    monkeypatch.setattr(
        packages, "_version", lambda name: "" if name in ("onnx", "pandas") else version(name)
    )
    result = invoke("doctor", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    installs = {item["name"]: item["install"] for item in found["packages"]}
    assert installs["onnx"] == "pip install 'edgernn[export]'"
    assert installs["pandas"] == "pip install 'edgernn[train]'"
    assert installs["numpy"] == ""
    assert found["self_test"]["result"] == "skipped"
    assert "onnx not installed" in found["self_test"]["detail"]


QUICK = ("--rounds", 1, "--no-cold-start")


def test_bench_measures_and_fails_where_asked(invoke, streaming: Path) -> None:
    result = invoke("bench", streaming, *QUICK, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["measurements"][0]["name"] == "edgernn"
    slow = invoke("bench", streaming, *QUICK, "--fail-if-slower", 0.001)
    assert slow.exit_code == 1
    assert "Too slow" in slow.stdout
    fast = invoke("bench", streaming, *QUICK, "--fail-if-slower", 1000)
    assert (fast.exit_code, "Fast enough" in fast.stdout) == (0, True)


@pytest.mark.slow
def test_bench_beside_torch(invoke, streaming: Path) -> None:
    result = invoke("bench", streaming, "--source", "my_models:Net", "--example", "1x8x3", *QUICK, "--json")
    assert result.exit_code == 0, result.stderr
    assert len(json.loads(result.stdout)["measurements"]) > 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "FILE is missing"),
        (("--suite", "nothing"), "unknown suite 'nothing'"),
        (("x.onnx", "--suite", "targets"), "leave out FILE"),
        (("--suite", "matrix", "--only", "hidden=65"), "hidden has no value '65'"),
        (("{file}", "--only", "hidden=64"), "belong to a --suite"),
        (("{file}", "--example", "1x2"), "belong to a --source"),
        (("{file}", "--provider", "cup"), "unknown provider 'cup'"),
        (("{file}", "--rounds", "0"), "rounds: expected a whole number from 1"),
        (
            ("{file}", "--fail-if-slower", "-1", "--rounds", "1", "--no-cold-start"),
            "factor: expected a number",
        ),
        (("{file}", "--against", "none.onnx"), "none.onnx"),
    ],
)
def test_bench_refuses(invoke, streaming: Path, words: tuple[str, ...], said: str) -> None:
    result = invoke("bench", *(word.format(file=streaming) for word in words))
    assert result.exit_code == 2, result.output
    assert said in result.stderr
