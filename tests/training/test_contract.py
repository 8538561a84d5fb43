from __future__ import annotations

from pathlib import Path

import pytest

from edgernn.errors import InputError
from edgernn.training.contract import Contract, PublishedScore, TinyRun, read_contract

TEXT = """
files = ["a"]
[tiny]
score = "rmse"
at_most = 1
beats = "naive"
[tiny.options]
max_epochs = 2
[published]
command = "edgernn train x"
score = "rmse"
value = 0.5
"""


def test_a_contract_is_read(tmp_path: Path) -> None:
    (tmp_path / "contract.toml").write_text(TEXT)
    assert read_contract(tmp_path) == Contract(
        TinyRun("rmse", at_most=1.0, beats="naive", options={"max_epochs": 2}),
        PublishedScore("edgernn train x", "rmse", 0.5),
        files=("a",),
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[tiny]", "[tiny", "is not TOML"),
        ("at_most = 1", "at_most = 'x'", "contract.toml.tiny.at_most: expected float or none"),
        ("at_most = 1", "", "give one of at_most and at_least"),
        ("at_most = 1", "at_most = 1\nat_least = 0", "give one of"),
        ("value = 0.5", "", "the key 'value' is missing"),
        ("beats", "beat", "unknown key 'beat'"),
    ],
)
def test_a_contract_that_does_not_fit_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    (tmp_path / "contract.toml").write_text(TEXT.replace(old, new))
    with pytest.raises(InputError, match=said):
        read_contract(tmp_path)


def test_a_folder_without_a_contract_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no contract\.toml"):
        read_contract(tmp_path)


@pytest.mark.parametrize(
    ("scores", "broken"),
    [
        ({"rmse": 0.9, "rmse/naive": 1.5}, []),
        ({"rmse": 1.1, "rmse/naive": 1.5}, ["rmse is 1.1, promised at most 1"]),
        ({"rmse": 0.9, "rmse/naive": 0.9}, ["rmse is 0.9, which does not beat naive: 0.9"]),
        ({"rmse": float("nan"), "rmse/naive": 2}, ["promised at most", "does not beat"]),
        ({"rmse": 0.9}, ["no score 'rmse' of a baseline 'naive'"]),
        ({"mae": 0.9}, ["there is no score 'rmse'; there are mae"]),
    ],
)
def test_broken_promises_are_told(tmp_path: Path, scores: dict[str, float], broken: list[str]) -> None:
    (tmp_path / "contract.toml").write_text(TEXT)
    contract = read_contract(tmp_path)
    told = contract.broken_promises(tmp_path, scores)
    assert told[0] == "the run left no file a"
    assert len(told) == len(broken) + 1
    assert all(part in text for part, text in zip(broken, told[1:], strict=True))
    (tmp_path / "a").touch()
    assert len(contract.broken_promises(tmp_path, scores)) == len(broken)


def test_where_more_is_better_the_network_must_have_more(tmp_path: Path) -> None:
    tiny = TinyRun("accuracy", at_least=0.5, beats="majority")
    contract = Contract(tiny, PublishedScore("", "accuracy", 0.9))
    assert contract.broken_promises(tmp_path, {"accuracy": 0.6, "accuracy/majority": 0.4}) == []
    assert len(contract.broken_promises(tmp_path, {"accuracy": 0.4, "accuracy/majority": 0.6})) == 2
