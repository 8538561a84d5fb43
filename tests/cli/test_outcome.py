"""The behaviour that all commands share."""

from __future__ import annotations

import json

import pytest
from typer import Exit

from edgernn.cli.outcome import Outcome, reported
from edgernn.errors import InputError, MissingDependencyError, ParityError


def run(action, **arguments) -> int:
    with pytest.raises(Exit) as caught:
        reported(action)(**arguments)
    return caught.value.exit_code


def raising(error: BaseException):
    def command(json: bool = False) -> Outcome:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("x: wrong"), 2, "Error: x: wrong"),
        (MissingDependencyError("needs y"), 2, "Error: needs y"),
        (ParityError("they differ"), 1, "Error: they differ"),
        (ModuleNotFoundError("No module named 'onnx_ir.x'", name="onnx_ir.x"), 2, "edgernn[export]"),
        (ModuleNotFoundError("No module named 'pandas'", name="pandas"), 2, "edgernn[train]"),
        (PermissionError(13, "Permission denied", "/a/b"), 2, "Error: '/a/b': Permission denied."),
        (KeyboardInterrupt(), 130, ""),
        (RuntimeError("oh"), 70, "Please report it"),
        (ModuleNotFoundError("No module named 'q'", name="q"), 70, "No module named 'q'"),
    ],
)
def test_an_error_becomes_a_line_and_a_code(capsys, error: BaseException, code: int, said: str) -> None:
    assert run(raising(error)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert ("Traceback" in err) == (code == 70)


def test_an_outcome_is_shown_or_printed_as_strict_json(capsys) -> None:
    def command(json: bool = False) -> Outcome:
        data = {"worst": float("inf"), "all": [1.5, float("nan")], "name": "µ"}
        return Outcome(data, lambda console: console.print("[b]as it is[/b] :smile:"), passed=False)

    assert run(command) == 1
    assert capsys.readouterr().out == "[b]as it is[/b] :smile:\n"
    assert run(command, json=True) == 1
    assert json.loads(capsys.readouterr().out) == {"worst": None, "all": [1.5, None], "name": "µ"}


def test_success(capsys) -> None:
    assert run(lambda json=False: Outcome('{"a": 1}', lambda console: None), json=True) == 0
    assert capsys.readouterr().out == '{"a": 1}\n'
