"""inspect --providers, export --for, verify --provider."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgernn.placement import known
from edgernn.placement.assignment import can_tell
from edgernn.placement.providers import cpu
from edgernn.placement.rules import Refusal


def test_all_providers_node_by_node(invoke, sequence: Path) -> None:
    result = invoke("inspect", sequence, "--providers", "all", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert [item["provider"] for item in found["providers"]] == list(known())
    assert found["present"] == ["cpu"]
    by_name = {item["provider"]: item for item in found["providers"]}
    assert by_name["cpu"]["complete"]
    (gru,) = (item for item in by_name["nnapi"]["nodes"] if item["op"] == "GRU")
    assert (gru["taken"], gru["reason"]) == (False, "it has no GRU")
    assert "--recurrence unrolled" in gru["remedy"]


def test_the_table_says_why_not_and_what_helps(invoke, sequence: Path) -> None:
    text = invoke("inspect", sequence, "--providers", "cpu,coreml").stdout
    for part in ("coreml", "0 of 6", "Nodes", "GRU", "it has no GRU", "export with --fix-batch --length N"):
        assert part in text
    assert "nnapi" not in text


def test_a_foreign_file_will_do(invoke, foreign: Path) -> None:
    assert invoke("inspect", foreign).exit_code == 2
    assert invoke("inspect", foreign, "--providers", "cuda").exit_code == 0


@pytest.mark.skipif(not can_tell(), reason="this onnxruntime does not tell what it assigned")
def test_compare_fails_where_onnxruntime_does_otherwise(
    invoke, sequence: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("inspect", sequence, "--providers", "all", "--compare")
    result = invoke(*words)
    assert result.exit_code == 0, result.stderr
    assert "cpu: onnxruntime assigned every node so." in result.stdout
    monkeypatch.setattr(cpu, "judge", lambda node: Refusal("a wrong rule", "none"))
    result = invoke(*words)
    assert result.exit_code == 1
    assert "was assigned to CPUExecutionProvider; the rules say: a wrong rule" in result.stdout
    assert not json.loads(invoke(*words, "--json").stdout)["assignments"][0]["error"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--providers", "nnpai"), "unknown provider 'nnpai'"),
        (("--compare",), "go with --providers"),
        (("--nodes",), "go with --providers"),
        (("--providers", "nnapi", "--compare"), "provider 'nnapi' is not in this onnxruntime"),
    ],
)
def test_inspect_refuses(invoke, sequence: Path, words: tuple[str, ...], said: str) -> None:
    result = invoke("inspect", sequence, *words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_export_for_a_provider(invoke, tmp_path: Path) -> None:
    words = ("export", "my_models:Net", "--example", "1x8x3", "-o", tmp_path / "phone.onnx", "--for", "nnapi")
    missing = invoke(*words)
    assert missing.exit_code == 2
    assert "nnapi takes fixed shapes alone. Give the number of time steps" in missing.stderr
    result = invoke(*words, "--length", 3, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["manifest"]["recurrence"] == "unrolled"
    assert all(item["taken"] for item in found["placement"]["nodes"])
    assert "nodes that nnapi takes" in invoke(*words, "--length", 3).stdout


def test_verify_on_a_provider(invoke, streaming: Path) -> None:
    words = ("verify", "my_models:Net", streaming, "--example", "1x8x3", "--provider")
    result = invoke(*words, "cpu", "--json")
    assert json.loads(result.stdout)["provider"] == "cpu"
    result = invoke(*words, "openvino")
    assert result.exit_code == 2
    assert "provider 'openvino' is not in this onnxruntime" in result.stderr
