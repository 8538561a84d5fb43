"""A model file is not trusted: whatever it holds, bundles build and run, and no code of it is in them."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest

import edgernn
from edgernn.bundle import names, target_names

from .conftest import link, rewritten

ENDINGS = (
    '"',
    "'",
    '"""',
    "*/",
    "\n",
    "\\",
    "${x}",
    "$x",
    "\\(x)",
    "`",
    "</script>",
    "@@name@@",
    "#{x}",
    "%s%n",
    "??/",
    "\u202e",
)
EVIL = "".join(ENDINGS) + '"; evil(); //'
LABELS = [f"{EVIL}{number}" for number in range(6)]


def poison(model: onnx.ModelProto, manifest: dict[str, Any]) -> None:
    """Rename every input, output and state to something that would end a literal or a comment somewhere."""
    renamed: dict[str, str] = {}
    for number, value in enumerate((*model.graph.input, *model.graph.output)):
        renamed[value.name] = f"{EVIL}{number}"
        value.name = renamed[value.name]
    for node in model.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    for item in (*manifest["inputs"], *manifest["outputs"]):
        item |= {"name": renamed[item["name"]], "unit": EVIL, "layout": EVIL}
    for state in manifest["states"]:
        state |= {"input": renamed[state["input"]], "output": renamed[state["output"]], "meaning": EVIL}
    manifest |= {"labels": LABELS, "task": EVIL, "scheme": manifest["scheme"]}


@pytest.fixture
def hostile(models: dict[str, Path], tmp_path: Path) -> Path:
    """The forecaster, poisoned, under a name that is no name."""
    return rewritten(models["forecast"], tmp_path / "1; rm -rf $HOME #.onnx", poison)


@pytest.mark.parametrize("target", target_names())
def test_no_source_holds_a_text_of_the_model(hostile: Path, tmp_path: Path, target: str) -> None:
    edgernn.bundle(hostile, tmp_path / "app", target=target)
    read = 0
    for path in (tmp_path / "app").rglob("*"):
        assert path.resolve().is_relative_to(tmp_path / "app")
        assert "rm -rf" not in path.name
        if (
            path.is_file()
            and path.suffix not in (".onnx", ".json", ".bin")
            and "initial_state" not in path.parts
        ):
            read += 1
            text = path.read_text("utf-8")
            assert EVIL not in text
            assert "\u202e" not in text
            assert "rm -rf" not in text
    assert read >= 4


def test_python_runs_it(hostile: Path, tmp_path: Path) -> None:
    edgernn.bundle(hostile, tmp_path / "app", target="python")
    program = "import json; from streams import STREAMS; print(json.dumps([*STREAMS.values()][0].LABELS))"
    for words in (("main.py", "--check"), ("-c", program)):
        done = subprocess.run(
            [sys.executable, *words], cwd=tmp_path / "app", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == LABELS


@pytest.mark.slow
def test_node_runs_it(hostile: Path, tmp_path: Path, npm_folder: Path) -> None:
    edgernn.bundle(hostile, tmp_path / "app", target="node")
    link(tmp_path / "app", npm_folder)
    program = "import { STREAMS } from './streams.mjs'; const [first] = Object.values(STREAMS);"
    program += " console.log(JSON.stringify(first.labels))"
    (tmp_path / "app" / "labels.mjs").write_text(program)
    for words in (("main.mjs", "--check"), ("labels.mjs",)):
        done = subprocess.run(
            ["node", *words], cwd=tmp_path / "app", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == LABELS


@pytest.mark.slow
def test_cpp_runs_it(hostile: Path, tmp_path: Path, ort_definitions: list[str]) -> None:
    edgernn.bundle(hostile, tmp_path / "app", target="cpp")
    (tmp_path / "app" / "main.cpp").write_text(
        '#include <cstdio>\n#include "golden.hpp"\n#include "streams.hpp"\n'
        "int main(int, char** words) {\n  const edge::ModelSpec& spec = *all_models().front();\n"
        "  edge::check_golden(edge::Model(spec, words[1]));\n"
        '  for (const char* label : spec.labels) std::printf("%s%c", label, 0);\n}\n'
    )
    for command in (["cmake", "-S", "app", "-B", "build", *ort_definitions], ["cmake", "--build", "build"]):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    (place,) = (tmp_path / "app" / "models").iterdir()
    done = subprocess.run([tmp_path / "build" / "app", place], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\0")[:-1] == LABELS


def test_names_are_different_and_no_words_of_a_language() -> None:
    found = names.unique(
        ["x", "x", "X", "a_1", "a1", "class", "", "1", "self", "ü", "x" * 500, "a b", "in"], "input"
    )
    assert len({name.replace("_", "") for name in found}) == len(found)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) and len(name) < 60 for name in found)
    assert not {"class", "self", "in"} & set(found)
    assert found[:2] == ["x", "x_2"]


@pytest.mark.parametrize(
    "text", ["a*/b", "a//b", "line\nline", 'say "x"', "\\u0022", "${x}", "`x`", "<b>", "\u202e"]
)
def test_plain_text_ends_no_comment(text: str) -> None:
    assert not set(names.plain(text)) & set("*\n\"\\$`<>'{}\u202e")
    assert "//" not in names.plain(text)


def test_literals_read_back_as_what_they_were() -> None:
    for text in (*ENDINGS, EVIL, "°C", "日本", "\0", "\x7f", "\U0001f600"):
        assert ast.literal_eval(names.python(text)) == text
        assert json.loads(names.javascript(text)) == text
        assert json.loads(names.kotlin(text).replace("\\$", "$")) == text
        quoted = names.octal(text)
        assert re.fullmatch(r'"(?:[A-Za-z0-9 _.-]|\\[0-3][0-7]{2})*"', quoted)
        data = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), quoted[1:-1])
        assert data.encode("latin-1").decode() == text
        swift = names.swift(text)
        assert re.fullmatch(r'"(?:[A-Za-z0-9 _.-]|\\u\{[0-9a-f]+\})*"', swift)
        assert re.sub(r"\\u\{(\w+)\}", lambda found: chr(int(found[1], 16)), swift[1:-1]) == text
