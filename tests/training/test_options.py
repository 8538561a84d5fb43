from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from edgernn.errors import InputError
from edgernn.training.options import TrainingOptions, describe_options, option, read_options
from edgernn.training.typed import read_value


@dataclass(frozen=True)
class Options(TrainingOptions):
    size: int = option(4, "How large.", minimum=1)
    share: float = option(0.5, "How much.", above=0, below=1)
    limit: int | None = option(None, "At most.", maximum=10)
    names: tuple[str, ...] = option((), "Which.")
    mode: Literal["fast", "exact"] = option("fast", "How.")
    plain: bool = option(False, "Whether.")
    label: str = option("", "Called.")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ({"size": "12"}, 12),
        ({"share": "0.25"}, 0.25),
        ({"share": "1e-3"}, 0.001),
        ({"limit": "none"}, None),
        ({"limit": "7"}, 7),
        ({"names": "a, b,c"}, ("a", "b", "c")),
        ({"names": "a"}, ("a",)),
        ({"names": ""}, ()),
        ({"names": ["a", "b"]}, ("a", "b")),
        ({"mode": "exact"}, "exact"),
        ({"plain": "Yes"}, True),
        ({"plain": "0"}, False),
        ({"label": "none"}, "none"),
        ({"label": "12"}, "12"),
        ({"learning_rate": 1}, 1.0),
    ],
)
def test_text_and_values_are_read_by_type(text: dict[str, Any], value: Any) -> None:
    read = getattr(read_options(Options, text), next(iter(text)))
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"sise": "3"}, "unknown option 'sise'. Did you mean 'size'.*Known options: .*share"),
        ({"size": "3.5"}, "option size: expected int, found '3.5'"),
        ({"size": True}, "option size: expected int, found True"),
        ({"size": 0}, "option size: must be ≥ 1, found 0"),
        ({"share": "1"}, "option share: must be < 1, found 1.0"),
        ({"share": "nan"}, "option share: must be > 0"),
        ({"limit": 11}, "must be ≤ 10"),
        ({"limit": "many"}, "expected int or none, found 'many'"),
        ({"mode": "slow"}, "expected one of 'fast', 'exact', found 'slow'"),
        ({"plain": "perhaps"}, "expected bool"),
        ({"names": 3}, "expected str, comma-separated"),
        ({"max_epochs": 0}, "max_epochs: must be ≥ 1"),
    ],
)
def test_what_does_not_fit_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_options(Options, values)


def test_every_option_has_a_help_text_its_own_ones_first() -> None:
    described = describe_options(Options)
    assert [item.name for item in described[:2]] == ["size", "share"]
    assert described[2].type == "int or none"
    assert {item.name for item in described} >= {"max_epochs", "learning_rate"}
    assert all(item.help.endswith(".") for item in described)


@dataclass(frozen=True)
class Inner:
    a: int


@dataclass(frozen=True)
class Outer:
    inner: Inner
    scores: dict[str, float]
    name: str = "x"


def test_json_is_read_strictly_into_dataclasses() -> None:
    read = read_value(Outer, {"inner": {"a": 1}, "scores": {"rmse": 2}}, "file")
    assert read == Outer(Inner(1), {"rmse": 2.0})
    for value, said in [
        ({"inner": {"a": 1}}, "file: the key 'scores' is missing"),
        ({"inner": {"a": "1"}, "scores": {}}, "file.inner.a: expected int, found '1'"),
        ({"inner": {"a": 1}, "scores": {"x": "y"}}, "file.scores.x: expected float"),
        ({"inner": {"a": 1}, "scores": {}, "more": 1}, "unknown key 'more'. Allowed: inner, name, scores"),
        ([], r"file: expected an object, found \[\]"),
    ]:
        with pytest.raises(InputError, match=said):
            read_value(Outer, value, "file")
