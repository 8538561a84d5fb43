"""README.md tells the truth: its commands parse, its code runs, its files exist, its tables are made anew."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from . import readme_tables

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
LARGEST_PICTURE = 300_000
ANEW = "Run: python tests/package/readme_tables.py"

# How .ci/run finds a command: the first fenced block behind its mark.
FIND_COMMAND = re.compile(r"""awk -v mark="<!-- command: \$1 -->" '(.*)' README\.md""")


def fenced(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", text)


def marked_command(mark: str) -> str:
    """The command behind a mark, found as .ci/run does it."""
    program = FIND_COMMAND.search((ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    assert program is not None
    words = ["awk", "-v", f"mark=<!-- command: {mark} -->", program[1], "README.md"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8")
    return done.stdout.strip()


def test_the_commands_are_the_ones_that_ci_runs() -> None:
    install = "python3 -m venv .venv && .venv/bin/pip install -c tools/constraints.txt -e"
    assert marked_command("quickstart") == f"{install} '.[all]' && .venv/bin/edgernn quickstart"
    assert marked_command("test") == f"{install} '.[dev]' && .venv/bin/pytest -n 2"
    packages, header = marked_command("test-packages").splitlines()
    assert packages.startswith("apt-get install nodejs npm ")
    assert header == "sh tools/install_onnxruntime_header.sh"
    assert marked_command("other") == ""


@pytest.mark.slow
def test_the_python_blocks_run_in_order(tmp_path: Path) -> None:
    blocks = fenced(TEXT, "python")
    assert len(blocks) >= 3
    for index, block in enumerate(blocks):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", block],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"block {index + 1}: {done.stderr}"
    assert {path.name for path in tmp_path.iterdir()} == {
        "detector.onnx",
        "detector.int8.onnx",
        "smoother.onnx",
    }


def edgernn_lines(text: str) -> list[list[str]]:
    """Every use of `edgernn …` as words: lines of shell blocks and pieces of code within sentences."""
    code = [line for block in fenced(text, "sh") for line in block.replace("\\\n", " ").splitlines()]
    code += re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^```.*?^```$", "", text))
    parts = [part for line in code for part in re.split(r"&&|\||;", line.split(" #")[0])]
    words = [shlex.split(part) for part in parts if re.match(r"\s*(\.venv/bin/)?edgernn +\S", part)]
    return [line[1:] for line in words]


def complaint(words: list[str]) -> str | None:
    """Why the command line would not take these words; None where it does."""
    from edgernn.cli.app import build_app

    group = typer.main.get_command(build_app())
    assert hasattr(group, "commands")
    if not words or words[0] not in group.commands:
        return f"no command {words[:1]}"
    command = group.commands[words[0]]
    known = {name for option in command.params for name in [*option.opts, *option.secondary_opts]}
    known |= {"--help", "-h"}
    unknown = [word for word in words if word.startswith("--") and word not in known]
    if unknown:
        return f"{words[0]} has no {unknown[0]}"
    if len(words) == 1 or any(word.isupper() or word == "…" for word in words[1:]):
        return None  # the command is mentioned, not used
    if words[1:] and all(word.startswith("--") for word in words[1:]):
        return None
    try:
        command.make_context(words[0], words[1:])
    except Exception as error:  # noqa: BLE001 - whatever the parser says
        return f"{words}: {error}"
    return None


def test_every_command_line_parses() -> None:
    lines = edgernn_lines(TEXT)
    assert {"quickstart", "train", "export", "quantize", "verify", "bench", "run"} <= {
        line[0] for line in lines
    }
    assert [found for line in lines if (found := complaint(line))] == []


@pytest.mark.parametrize(
    "text",
    [
        "`edgernn exprot a`",
        "`edgernn export --stream`",
        "```sh\nls | edgernn run a.onnx - --thread 1\n```",
        "```sh\nedgernn quantize a.onnx\n```",
        "```sh\nedgernn quantize a.onnx \\\n -q b.onnx  # and so on\n```",
    ],
)
def test_a_wrong_command_line_is_found(text: str) -> None:
    (line,) = edgernn_lines(text)
    assert complaint(line)


def missing_paths(text: str) -> list[str]:
    """Paths of this repository that the text names and that do not exist."""
    prose = re.sub(r"(?ms)^```(python|text)\n.*?^```$", "", text)
    top = r"(?:edgernn|recipes|tests|tools|examples|\.ci)/"
    named = set(re.findall(rf"(?<![\w/.-]){top}[\w./-]*", prose))
    named |= {link for link in re.findall(r"\]\(([^)]+)\)", prose) if "://" not in link}
    made = {"edgernn/_recipes/"}
    paths = {name.rstrip(".") for name in named} - made
    return sorted(path for path in paths if "NAME" not in path and not (ROOT / path).exists())


def test_every_path_exists() -> None:
    assert missing_paths(TEXT) == []
    assert missing_paths("`edgernn/cells/none.py` [a](NONE) `tools/constraints.txt`") == [
        "NONE",
        "edgernn/cells/none.py",
    ]


def test_pictures_are_small_and_used() -> None:
    used = set(re.findall(r"!\[[^]]+\]\((\S+)\)", TEXT))
    pictures = {str(path.relative_to(ROOT)) for path in (ROOT / "examples" / "pictures").iterdir()}
    assert used == pictures
    for name in used:
        content = (ROOT / name).read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) < LARGEST_PICTURE


@pytest.mark.parametrize("name", ["streams", "commands", "tolerances", "providers"])
def test_a_table_is_the_codes(name: str) -> None:
    assert readme_tables.section(TEXT, name) == readme_tables.SECTIONS[name](), ANEW


def test_the_cells_are_all_there() -> None:
    header, _, *rows = readme_tables.section(TEXT, "cells").splitlines()
    assert header == f"| {' | '.join(('cell', *readme_tables.cell_columns()))} |", ANEW
    assert [row.split("`")[1] for row in rows] == readme_tables.cell_names(), ANEW


@pytest.mark.slow
@pytest.mark.parametrize("name", readme_tables.cell_names())
def test_a_cell_does_what_its_line_says(name: str) -> None:
    lines = readme_tables.section(TEXT, "cells").splitlines()
    assert f"| {' | '.join(readme_tables.cell_row(name))} |" in lines, ANEW


@pytest.mark.slow
def test_a_form_that_fails_is_not_a_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgernn import cells

    class Leaky(cells.GRU):
        def onnx_operator(self) -> None:
            return None

    monkeypatch.setattr(cells, "find_cells", lambda: {"Leaky": Leaky})
    row = dict(zip(("cell", *readme_tables.cell_columns()), readme_tables.cell_row("Leaky"), strict=True))
    assert (row["op"], row["scan"], row["streaming"]) == ("–", "yes", "yes")


def test_a_section_is_replaced_between_its_marks() -> None:
    text = "a\n<!-- begin: x -->\nold\n<!-- end: x -->\nb"
    assert readme_tables.with_section(text, "x", "new\n") == text.replace("old", "new")
    with pytest.raises(ValueError, match="0 sections 'y'"):
        readme_tables.section(text, "y")
