"""Network folders on a device: what is read of them, and targets written by beam search."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import edgernn
from edgernn.beam import BeamSearch
from edgernn.errors import InputError, ModelError
from edgernn.network_folder import BUNDLE_FILE, read_network_folder
from edgernn.runtime.network import load_network
from edgernn.runtime.seq2seq import Seq2SeqDecoder
from edgernn.training.sentence_pairs import TorchDecoder
from tests.once import made_once
from tests.translators import END, START, SYMBOLS, example, translator


@pytest.fixture(scope="module", params=["bahdanau", "dot"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(place: Path) -> None:
        model = translator(attention=request.param)
        edgernn.export_folder(model, place / "network", example(), metadata={"task": "translate"})

    return made_once(tmp_path_factory, f"network_{request.param}", make) / "network"


def kind_of(folder: Path) -> str:
    return folder.parent.name.removeprefix("network_")


@pytest.mark.parametrize("beam", [1, 4])
def test_the_device_writes_what_torch_writes(folder: Path, beam: int) -> None:
    model = translator(attention=kind_of(folder))
    decoder = Seq2SeqDecoder(folder, beam=beam, length_penalty=0.7)
    search: BeamSearch[Any] = BeamSearch(START, END, beam, length_penalty=0.7, longest=model.longest)
    random = np.random.default_rng(0)
    for places in (1, 2, 6, 13):
        source = random.integers(0, SYMBOLS, places).tolist()
        torch_decoder = TorchDecoder(model, source)
        expected = search.search(torch_decoder.start(), torch_decoder.advance)
        found = decoder.decode(source)
        assert [item.symbols for item in found] == [item.symbols for item in expected]
        np.testing.assert_allclose(
            [item.log_probability for item in found], [item.log_probability for item in expected], atol=1e-4
        )
    assert decoder.search.longest == model.longest


def test_rows_of_a_stream_go_on_where_others_stood(folder: Path) -> None:
    network = load_network(folder)
    read: Any = network.session("encoder").run(np.arange(4)[None], np.array([4]))
    given = [np.repeat(array, 3, 0) for array in (*read.values(), np.array([4]))]
    stream = network.session("decoder").stream(3)
    first = np.array([[START], [1], [2]])
    stream.push(first, *given)
    before = stream.states
    picked = stream.picked([2, 0])
    assert picked.batch == 2
    assert picked is not stream
    for name, state in picked.states.items():
        np.testing.assert_array_equal(state, before[name][:, [2, 0]])
        np.testing.assert_array_equal(stream.states[name], before[name])
    same = stream.picked([1, 1, 0])
    assert same is stream
    for name, state in stream.states.items():
        np.testing.assert_array_equal(state, before[name][:, [1, 1, 0]])
    for rows in ([], [3], [-1], [[0]]):
        with pytest.raises(InputError, match="rows"):
            stream.picked(rows)


@pytest.mark.parametrize("source", [[], [SYMBOLS], [-1]])
def test_symbols_that_there_are_not(folder: Path, source: list[int]) -> None:
    with pytest.raises(InputError, match="source"):
        Seq2SeqDecoder(folder).decode(source)


def test_a_network_of_another_kind(folder: Path, tmp_path: Path) -> None:
    network = load_network(folder)
    with pytest.raises(ModelError, match="no part 'vocoder'; its parts are encoder, decoder"):
        network.session("vocoder")
    network.settings.pop("beam")
    with pytest.raises(ModelError, match="no encoder and decoder"):
        Seq2SeqDecoder(network)
    with pytest.raises(InputError, match=r"bundle\.json"):
        load_network(tmp_path)


def _copy(folder: Path, to: Path) -> Path:
    to.mkdir()
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


def _change(folder: Path, **changes: Any) -> None:
    data = json.loads((folder / BUNDLE_FILE).read_text())
    (folder / BUNDLE_FILE).write_text(json.dumps({**data, **changes}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format_version": 2}, "format version"),
        ({"parts": {}}, "fields"),
        ({"parts": {"../encoder": "00"}}, "fields"),
        ({"parts": {"/etc/passwd": "00"}}, "fields"),
        ({"parts": {"encoder": 5}}, "fields"),
        ({"parts": {"encoder": "00"}}, "not the file"),
        ({"parts": {"vocoder": "00"}}, "missing"),
        ({"task": 5}, "fields"),
        ({"settings": []}, "fields"),
        ({"more": 1}, "fields"),
    ],
)
def test_a_bundle_file_that_was_changed(
    folder: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    copy = _copy(folder, tmp_path / "copy")
    read_network_folder(copy)
    _change(copy, **changes)
    with pytest.raises(ModelError, match=message):
        read_network_folder(copy)


def test_graphs_that_were_changed(folder: Path, tmp_path: Path) -> None:
    copy = _copy(folder, tmp_path / "copy")
    (copy / "encoder.onnx").write_bytes((copy / "decoder.onnx").read_bytes())
    with pytest.raises(ModelError, match=r"encoder\.onnx"):
        load_network(copy)
    (copy / BUNDLE_FILE).write_text("{")
    with pytest.raises(ModelError, match="not readable"):
        load_network(copy)


def test_nothing_is_written_where_something_stands(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "network").mkdir()
    (tmp_path / "network" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty"):
        edgernn.export_folder(translator(), tmp_path / "network", example())
    assert [file.name for file in tmp_path.rglob("*")] == ["network", "mine.txt"]
    with pytest.raises(InputError, match="single graph"):
        edgernn.export_folder(torch.nn.Linear(2, 2), tmp_path / "other", torch.ones(1, 2))
    assert not (tmp_path / "other").exists()
