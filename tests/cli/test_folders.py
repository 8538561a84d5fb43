"""Commands on a network of several graphs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgernn.features.characters import character_vocabulary
from edgernn.network_folder import is_network_folder
from tests.once import made_once
from tests.translators import SYMBOLS, example, translator

from .conftest import Invoke

SOURCE = "tests.translators:dot_translator"
EXAMPLE = f"2x6:int64:0..{SYMBOLS - 1},2:int64:1..6,2x4:int64:0..{SYMBOLS - 1}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import edgernn

    def make(place: Path) -> None:
        vocabulary = (*character_vocabulary(["abcdefgh"]), "<start>", "<end>")
        assert len(vocabulary) == SYMBOLS
        edgernn.export_folder(
            translator(3, attention="dot"),
            place / "network",
            example(),
            metadata={"task": "translate", "vocabulary": vocabulary},
        )

    return made_once(tmp_path_factory, "cli_network", make) / "network"


def test_a_network_is_exported_into_a_folder(invoke: Invoke, tmp_path: Path) -> None:
    result = invoke("export", SOURCE, "--example", EXAMPLE, "-o", tmp_path / "network", "--json")
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    assert list(data["parts"]) == ["encoder", "decoder"]
    assert all(part["manifest"]["parity"]["passed"] for part in data["parts"].values())
    assert sorted(file.name for file in (tmp_path / "network").iterdir()) == [
        "bundle.json", "decoder.onnx", "encoder.onnx",
    ]  # fmt: skip
    again = invoke("export", SOURCE, "--example", EXAMPLE, "-o", tmp_path / "network")
    assert again.exit_code == 2
    assert "not empty" in again.stderr
    wrong = invoke("export", SOURCE, "--example", EXAMPLE, "--streaming", "-o", tmp_path / "other")
    assert wrong.exit_code == 2
    assert "--streaming" in wrong.stderr
    assert not (tmp_path / "other").exists()


def test_it_is_inspected_verified_quantized_and_timed_as_one(
    invoke: Invoke, folder: Path, tmp_path: Path
) -> None:
    inspected = invoke("inspect", folder)
    assert inspected.exit_code == 0
    assert "encoder.onnx" in inspected.stdout
    assert "decoder.onnx" in inspected.stdout
    small = tmp_path / "small"
    quantized = invoke("quantize", folder, "-o", small, "--scheme", "fp16", "--json")
    assert quantized.exit_code == 0
    assert set(json.loads(quantized.stdout)["parts"]) == {"encoder", "decoder"}
    assert is_network_folder(small)
    assert (small / "decoder.onnx").stat().st_size < (folder / "decoder.onnx").stat().st_size
    verified = invoke("verify", folder, small)
    assert verified.exit_code == 0, verified.output
    verified = invoke("verify", SOURCE, folder, "--example", EXAMPLE, "--json")
    assert verified.exit_code == 0
    assert all(part["passed"] for part in json.loads(verified.stdout)["parts"].values())
    timed = invoke("bench", small, "--rounds", "2", "--no-cold-start", "--json")
    assert timed.exit_code == 0
    assert set(json.loads(timed.stdout)["parts"]) == {"encoder", "decoder"}


def test_another_network_is_found(invoke: Invoke, folder: Path) -> None:
    result = invoke("verify", "tests.translators:translator", folder, "--example", EXAMPLE)
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("quantize", "FOLDER", "-o", "x", "--budget", "max-error=0.1"), "--budget"),
        (("bench", "FOLDER", "--against", "x.onnx"), "--against"),
        (("run", "FOLDER", "x.npy"), "--prompt TEXT or - for lines of text"),
        (("run", "FOLDER", "--prompt", "ab", "--set", "bean=3"), "known are beam, length_penalty, best"),
        (("run", "FOLDER", "--prompt", "ab", "--set", "beam=x"), "beam"),
        (("run", "FOLDER", "--prompt", "ab", "-o", "x.wav"), "--output"),
        (("run", "FOLDER/encoder.onnx", "--prompt", "ab", "--set", "a=1"), "--set"),
        (("inspect", "TMP"), "bundle.json"),
    ],
)
def test_what_a_folder_does_not_take(
    invoke: Invoke, folder: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    given = [word.replace("FOLDER", str(folder)).replace("TMP", str(tmp_path)) for word in arguments]
    result = invoke(*given)
    assert result.exit_code == 2
    assert message in result.stderr


def test_texts_are_translated_line_by_line(invoke: Invoke, folder: Path, tmp_path: Path) -> None:
    result = invoke("run", folder, "-", "--json", input="abc\n\nhhé\n")
    assert result.exit_code == 0, result.stderr
    first, second = (json.loads(line) for line in result.stdout.splitlines())
    assert [first["text"], second["text"]] == ["abc", "hhé"]
    one = invoke("run", folder, "--prompt", "abc", "--set", "best=2", "--set", "beam=3", "--json")
    data = json.loads(one.stdout)
    assert data["translation"] == data["translations"][0]["translation"]
    assert len(data["translations"]) == 2
    path = tmp_path / "greedy.onnx"
    assert invoke("export", folder, "-o", path).exit_code == 0
    alone = invoke("run", path, "-", "--json", input="abc\n")
    beam = invoke("run", folder, "--prompt", "abc", "--set", "beam=1", "--json")
    assert json.loads(alone.stdout)["translation"] == json.loads(beam.stdout)["translation"]
    part = invoke("run", folder / "decoder.onnx", "-", input="abc\n")
    assert part.exit_code == 2
    assert "a part of a network" in part.stderr


def test_a_network_becomes_one_file_where_it_can(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "greedy.onnx"
    assert invoke("export", SOURCE, "--example", EXAMPLE, "-o", path).exit_code == 0
    assert invoke("verify", SOURCE, path, "--example", EXAMPLE).exit_code == 0
    chunked = invoke("export", SOURCE, "--example", EXAMPLE, "--chunk", "1", "-o", tmp_path / "y.onnx")
    assert chunked.exit_code == 2
    assert "--chunk" in chunked.stderr
    refused = invoke(
        "export", "tests.translators:two_graphs", "--example", "1x4x3", "-o", tmp_path / "x.onnx"
    )
    assert refused.exit_code == 2
    assert "name a folder" in refused.stderr
