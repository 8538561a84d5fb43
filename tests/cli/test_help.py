from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from edgernn.cli.app import command_names
from edgernn.cli.commands import __path__ as commands_path

LISTED = "import sys, json; sys.argv = ['edgernn', *json.loads(sys.argv[1])]\n"
MODULES = LISTED + (
    "from edgernn.cli import main\n"
    "try:\n    main()\n"
    "finally:\n    print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
)


def modules_of(*words: str) -> tuple[subprocess.CompletedProcess[str], set[str]]:
    """The answer of a command in a fresh process, and the packages that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", MODULES, json.dumps(words)], capture_output=True, text=True, check=False
    )
    return done, {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


HEAVY = {"torch", "onnxruntime", "onnx", "onnx_ir", "numpy", "pandas", "lightning"}


def test_help_lists_every_command_and_imports_nothing_heavy() -> None:
    done, packages = modules_of("--help")
    assert done.returncode == 0
    for name in command_names():
        assert f" {name} " in done.stdout
    assert not packages & HEAVY


def test_the_check_for_heavy_packages_finds_one() -> None:
    _, packages = modules_of("run", "none.onnx", "x.npy")
    assert packages >= {"numpy", "onnxruntime"}


def test_help_answers_quickly() -> None:
    seconds = []
    for _ in range(3):
        before = os.times()
        subprocess.run([sys.executable, "-m", "edgernn.cli", "--help"], capture_output=True, check=True)
        after = os.times()
        # Processor time: a busy machine does not lengthen it much. 0.2 s usually.
        spent = (after.children_user, after.children_system)
        seconds.append(sum(spent) - before.children_user - before.children_system)
    assert min(seconds) < 0.4


def test_a_command_is_a_file() -> None:
    assert {"bench", "doctor", "evaluate", "export", "inspect", "quantize", "run", "train", "verify"} <= set(
        command_names()
    )
    assert len(list(commands_path)) == 1


@pytest.mark.parametrize("name", command_names())
def test_every_command_has_help_and_json(invoke, name: str) -> None:
    result = invoke(name, "--help")
    assert result.exit_code == 0
    assert "--json" in result.stdout


def test_version(invoke) -> None:
    result = invoke("--version")
    assert (result.exit_code, result.stdout) == (0, "edgernn 0.1.0\n")


def test_wrong_use_exits_with_two(invoke) -> None:
    assert invoke("exprot").exit_code == 2
    assert invoke("inspect").exit_code == 2
    assert invoke("inspect", "a.onnx", "--jsn").exit_code == 2


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("edgernn tr", {"train"}),
        ("edgernn train ", {"forecast"}),
        ("edgernn export a --recurrence s", {"scan"}),
        ("edgernn quantize a --scheme int4", {"int4"}),
        ("edgernn run a b --provider cu", {"cuda"}),
    ],
)
def test_the_shell_completes(words: str, offered: set[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LISTED + "from edgernn.cli import main; main()", "[]"],
        env={
            "_EDGERNN_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split(" ")) - 1),
            "PATH": "",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert offered <= set(done.stdout.split()), done.stderr
