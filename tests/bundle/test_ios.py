"""The Swift of the iOS bundle, read by a grammar of the language: no compiler of it is at hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_swift

import edgernn
from edgernn.errors import InputError

from .conftest import rewritten
from .test_hostile import poison

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_swift.language()))


def faults(text: str) -> list[str]:
    """What a grammar of Swift does not understand."""
    found, waiting = [], [PARSER.parse(text.encode()).root_node]
    while waiting:
        node = waiting.pop()
        if node.type == "ERROR" or node.is_missing:
            found.append(f"line {node.start_point[0] + 1}: {(node.text or b'')[:60]!r}")
        waiting += node.children
    return found


def kinds(text: str) -> set[str]:
    """The kinds of node in a file: calls, classes, literals, …"""
    found, waiting = set(), [PARSER.parse(text.encode()).root_node]
    while waiting:
        node = waiting.pop()
        found.add(node.type)
        waiting += node.children
    return found


def test_every_file_is_swift(models: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "app"
    hostile = rewritten(models["forecast"], tmp_path / "1; evil().onnx", poison)
    edgernn.bundle([models["spotter"], hostile, models["several"]], folder, target="ios")
    sources = sorted(folder.rglob("*.swift"))
    assert {path.name for path in sources} == {
        "Package.swift", "main.swift", "Runtime.swift", "Golden.swift", "Streams.swift"
    }  # fmt: skip
    for path in sources:
        assert faults(path.read_text()) == [], path
    streams = (folder / "Sources/Streams/Streams.swift").read_text()
    assert "interpolated_expression" not in kinds(streams)  # no text of a model is evaluated
    assert re.findall(r"class (\w+): ModelStream", streams) == [
        "SpotterStream",
        "Model1EvilStream",
        "SeveralStream",
    ]
    assert 'resources: [.copy("Resources/models")]' in (folder / "Package.swift").read_text()
    places = {path.name for path in (folder / "Sources/Streams/Resources/models").iterdir()}
    assert places == set(re.findall(r'ModelSpec\(\s+name: "(\w+)"', streams))


@pytest.mark.parametrize("broken", ["let x = \n}", "func f( {", 'let a = "b', "class { }"])
def test_the_grammar_finds_what_is_broken(broken: str) -> None:
    assert faults(broken) != []


def test_the_check_for_evaluated_text_finds_one() -> None:
    assert "interpolated_expression" in kinds('let a = "\\(evil())"')


def test_a_type_that_the_runtime_does_not_hand_over_is_refused(
    models: dict[str, Path], tmp_path: Path
) -> None:
    import torch
    from torch import nn

    class Positive(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(2, 3, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.gru(x)[0] > 0

    path = tmp_path / "positive.onnx"
    edgernn.export(Positive().eval(), path, torch.randn(1, 4, 2), streaming=True, check=False)
    with pytest.raises(InputError, match=r"target: ios takes float32.*is bool"):
        edgernn.bundle(path, tmp_path / "app", target="ios")
    edgernn.bundle(path, tmp_path / "app", target="cpp")
