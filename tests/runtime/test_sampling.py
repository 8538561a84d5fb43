from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from edgernn.errors import InputError, ModelError
from edgernn.manifest import Manifest, StateSpec, TensorSpec
from edgernn.runtime import load
from edgernn.runtime.sampling import draw, write_on

from .conftest import write

PROBABILITIES = np.array([0.1, 0.5, 0.15, 0.25])


def shares(**options: float) -> np.ndarray:
    generator, draws = np.random.default_rng(0), 20000
    scores = np.log(PROBABILITIES).astype(np.float32)
    found = Counter(draw(scores, generator, **options) for _ in range(draws))  # type: ignore[arg-type]
    return np.array([found[symbol] / draws for symbol in range(4)])


def test_symbols_come_as_often_as_they_are_likely() -> None:
    np.testing.assert_allclose(shares(), PROBABILITIES, atol=0.015)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_temperature_sharpens_or_flattens(temperature: float) -> None:
    expected = PROBABILITIES ** (1 / temperature)
    np.testing.assert_allclose(shares(temperature=temperature), expected / expected.sum(), atol=0.015)
    assert not np.allclose(shares(temperature=temperature), PROBABILITIES, atol=0.015)


def test_the_likeliest_alone_may_come() -> None:
    np.testing.assert_allclose(shares(top_k=2), [0, 2 / 3, 0, 1 / 3], atol=0.015)
    assert shares(top_k=1)[1] == shares(temperature=0)[1] == 1
    np.testing.assert_allclose(shares(top_k=9), PROBABILITIES, atol=0.015)


SIZE = 5


def counting_model(folder: Path, change=None, streaming: bool = True) -> Path:
    """Certain that the next symbol is the sum of all so far, modulo 5; the sum is its state."""
    manifest = Manifest(
        inputs=(TensorSpec("ids", "int64", (1, 1), time_dim=1, minimum=0, maximum=SIZE - 1),),
        outputs=(TensorSpec("scores", "float32", (1, 1, SIZE), time_dim=1),),
        streaming=streaming,
        states=(StateSpec("sum_in", "sum_out", "int64", (1, 1), 0),) if streaming else (),
        chunk=1 if streaming else None,
        vocabulary=("<other>", "a", "b", "c", "d"),
    )
    nodes = [
        *([helper.make_node("Add", ["ids", "sum_in"], ["sum_out"])] if streaming else []),
        helper.make_node("Mod", ["sum_out" if streaming else "ids", "size"], ["symbol"]),
        helper.make_node("OneHot", ["symbol", "size", "values"], ["scores"]),
    ]
    constants = {"size": np.array([SIZE]), "values": np.array([-100, 0], np.float32)}
    return write(folder / "m.onnx", nodes, constants, manifest, change)


def test_each_symbol_is_fed_back(tmp_path: Path) -> None:
    session = load(counting_model(tmp_path))
    # 1 + 2 = 3, then 3 + 3 = 6, then 6 + 1 = 7, …
    assert list(write_on(session, [1, 2], 6, seed=0)) == [3, 1, 2, 4, 3, 1]
    # Every text begins in the initial state.
    assert list(write_on(session, [1, 2], 6, seed=1)) == [3, 1, 2, 4, 3, 1]
    assert list(write_on(session, [4], 0)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"start": []}, "from one symbol or more"),
        ({"start": [1, 5]}, "from 0 to 4, found 1 to 5"),
        ({"length": -1}, "length: must be"),
        ({"temperature": -0.1}, "temperature: must be"),
        ({"temperature": float("nan")}, "temperature: must be"),
        ({"top_k": 1.5}, "top_k: must be"),
    ],
)
def test_values_out_of_range_are_refused(tmp_path: Path, change: dict[str, object], said: str) -> None:
    session = load(counting_model(tmp_path))
    with pytest.raises(InputError, match=said):
        write_on(**{"session": session, "start": [1], "length": 3, **change})  # type: ignore[arg-type]


def test_a_file_that_is_no_streaming_language_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="with --streaming"):
        write_on(load(counting_model(tmp_path, streaming=False)), [1], 3)
