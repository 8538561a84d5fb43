"""The manifest survives JSON unchanged, and nothing else is taken for one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgernn.errors import ModelError
from edgernn.manifest import FORMAT_VERSION, Manifest, RecurrentLayer, StateSpec, TensorSpec

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
DIMS = st.lists(st.integers(1, 2**40) | st.text(max_size=5), max_size=4).map(tuple)
TENSORS = st.builds(
    TensorSpec,
    dims=DIMS,
    time_dim=st.none() | st.integers(0, 3),
    sample_rate=st.none() | FLOATS,
    minimum=st.none() | FLOATS,
    maximum=st.none() | FLOATS,
    unit=st.text(),
)
STATES = st.builds(StateSpec, dims=DIMS, initial=FLOATS | st.lists(FLOATS, min_size=1).map(tuple))
MANIFESTS = st.builds(
    Manifest,
    inputs=st.lists(TENSORS, max_size=2).map(tuple),
    outputs=st.lists(TENSORS, max_size=2).map(tuple),
    streaming=st.booleans(),
    states=st.lists(STATES, max_size=2).map(tuple),
    layers=st.lists(st.builds(RecurrentLayer), max_size=2).map(tuple),
    chunk=st.none() | st.integers(1, 1000),
    sample_rate=st.none() | FLOATS,
    labels=st.lists(st.text(), max_size=3).map(tuple),
    normalization=st.dictionaries(st.text(), FLOATS, max_size=2),
    versions=st.dictionaries(st.text(), st.text(), max_size=2),
    parity=st.dictionaries(st.text(), FLOATS | st.booleans() | st.text(), max_size=3),
    format_version=st.just(FORMAT_VERSION),
)

EXAMPLE = Manifest(
    inputs=(TensorSpec("x", "float32", ("batch", "time", 3), time_dim=1),),
    outputs=(TensorSpec("y", "float32", ("batch", "time", 1), time_dim=1),),
    streaming=True,
    states=(StateSpec("h_in", "h_out", "float32", (1, "batch", 4), initial=(0.0, 1.0, 2.0, 3.0)),),
    layers=(RecurrentLayer("l0", "GRU", 3, 4, 1, "op"),),
    chunk=4,
    lookahead_steps=2,
    sample_rate=100.0,
    parity={"passed": True, "max_abs_error": 1e-7},
)


@given(MANIFESTS)
def test_round_trip(manifest: Manifest) -> None:
    again = Manifest.from_json(manifest.to_json())
    assert again == manifest
    # 1 == 1.0 == True in Python, but not in JSON.
    assert again.to_json() == manifest.to_json()


def test_json_is_readable() -> None:
    text = EXAMPLE.with_(labels=("grün",)).to_json(indent=2)
    assert "grün" in text
    assert '\n  "chunk": 4' in text


def test_latency() -> None:
    assert EXAMPLE.latency_steps == 2 + 4 - 1
    assert EXAMPLE.latency_ms == 50.0
    assert EXAMPLE.with_(chunk=None, hop=2).latency_steps == 2 + 2 - 1
    assert EXAMPLE.with_(sample_rate=None).latency_ms is None


def changed(*path: str | int, value: Any) -> str:
    """The example's JSON with one value replaced, or a field added."""
    data: Any = json.loads(EXAMPLE.to_json())
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(data)


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (["streaming"], 1, "manifest.streaming: expected bool"),
        (["chunk"], True, "manifest.chunk: expected"),
        (["chunk"], 4.0, "manifest.chunk: expected"),
        (["hop"], True, "manifest.hop: expected int, found True"),
        (["hop"], "1", "manifest.hop: expected int, found '1'"),
        (["sample_rate"], True, "manifest.sample_rate: expected"),
        (["labels"], "abc", "manifest.labels: expected"),
        (["labels"], [1], "manifest.labels[0]: expected str"),
        (["inputs"], {}, "manifest.inputs: expected"),
        (["inputs", 0], [], "manifest.inputs[0]: expected an object"),
        (["inputs", 0, "dims", 1], 1.5, "manifest.inputs[0].dims[1]: expected"),
        (["inputs", 0, "dims", 1], True, "manifest.inputs[0].dims[1]: expected"),
        (["inputs", 0, "name"], None, "manifest.inputs[0].name: expected str"),
        (["states", 0, "initial"], ["a"], "manifest.states[0].initial: expected"),
        (["layers", 0, "hidden_size"], 4.0, "manifest.layers[0].hidden_size: expected int"),
        (["scores"], {"mae": "low"}, "manifest.scores.mae: expected float"),
        (["parity"], {"passed": None}, "manifest.parity.passed: expected"),
        (["versions"], [], "manifest.versions: expected"),
        (["colour"], "red", "manifest: unknown field 'colour'"),
        (["states", 0, "colour"], "red", "manifest.states[0]: unknown field 'colour'"),
    ],
)
def test_a_wrong_value_is_named(path: list[str | int], value: Any, where: str) -> None:
    with pytest.raises(ModelError) as caught:
        Manifest.from_json(changed(*path, value=value))
    assert str(caught.value).startswith(where)


@pytest.mark.parametrize("field", ["inputs", "outputs"])
def test_a_missing_field_is_named(field: str) -> None:
    data = json.loads(EXAMPLE.to_json())
    del data[field]
    with pytest.raises(ModelError, match=f"missing .*'{field}'"):
        Manifest.from_json(json.dumps(data))


@pytest.mark.parametrize("version", [0, FORMAT_VERSION + 1, None, str(FORMAT_VERSION), 2.0])
def test_another_format_version_is_refused(version: Any) -> None:
    with pytest.raises(ModelError, match=f"format version {version!r}, this edgernn reads {FORMAT_VERSION}"):
        Manifest.from_json(changed("format_version", value=version))


@pytest.mark.parametrize("text", ["", "{", "no", "[]", "1", '"x"', "null", "NaN"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match=r"not JSON|expected a JSON object"):
        Manifest.from_json(text)
