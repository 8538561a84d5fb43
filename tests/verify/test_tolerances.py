"""One table of tolerances, every entry of which is used, and none of which is missing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from edgernn.errors import InputError
from edgernn.quantize import scheme_names
from edgernn.verify import tolerances
from edgernn.verify.tolerances import SELF_CONSISTENCY, STATES, TOLERANCES, tolerance

VERIFY = Path(tolerances.__file__).parent


def test_there_is_an_entry_for_each_scheme_and_for_nothing_else() -> None:
    schemes = {"float32", *scheme_names()}
    assert {scheme for _, scheme in TOLERANCES} == {scheme for _, scheme in SELF_CONSISTENCY} == schemes
    assert {scheme for dtype, scheme in TOLERANCES if dtype == "float32"} == schemes
    assert {key for key in TOLERANCES if key[0] != "float32"} == {("float16", "fp16")}
    assert TOLERANCES.keys() == SELF_CONSISTENCY.keys()
    assert STATES.keys() <= TOLERANCES.keys()


@pytest.mark.parametrize("key", TOLERANCES)
def test_tolerances_are_tight(key: tuple[str, str]) -> None:
    """A tolerance as large as the outputs lets everything pass."""
    assert tolerance(*key) == TOLERANCES[key] <= (0.2 if key[1] == "int4" else 0.1)
    assert tolerance(*key, against_itself=True) == SELF_CONSISTENCY[key] <= TOLERANCES[key]
    assert tolerance("float32", "float32") <= 2e-5
    assert tolerance(*key, of_states=True) <= (0.3 if key in STATES else TOLERANCES[key])


def test_an_unknown_scheme_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"no tolerance for dtype 'float32' and scheme 'int2': there are \[\("
    ):
        tolerance("float32", "int2")


def test_no_other_file_of_verify_holds_a_tolerance() -> None:
    """Small numbers like 1e-5 stand in the table alone, with their reasons."""
    found = [
        (file.name, node.lineno, node.value)
        for file in VERIFY.glob("*.py")
        if file.name != "tolerances.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, float) and 0 < node.value < 0.01
    ]
    assert found == []
