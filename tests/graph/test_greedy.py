"""One graph that writes by itself: it writes what the decoder's steps write, and what does not is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

import edgernn
from edgernn.errors import InputError, ParityError
from edgernn.models import Seq2Seq
from edgernn.runtime.seq2seq import Seq2SeqDecoder
from tests.translators import END, SYMBOLS, example, translator


def network(folder: Path, model: Seq2Seq) -> Path:
    edgernn.export_folder(model, folder, example(), metadata={"task": "translate"})
    return folder


@pytest.mark.parametrize(
    ("arguments", "scheme"),
    [({}, ""), ({"cell": "lstm", "attention": "dot"}, ""), ({"cell": "mingru"}, ""), ({}, "int8")],
    ids=["gru", "lstm-dot", "mingru", "int8"],
)
def test_rows_are_what_the_decoder_writes_step_by_step(
    arguments: dict[str, Any], scheme: str, tmp_path: Path
) -> None:
    model = translator(1, **arguments)
    with torch.no_grad():
        model.decoder.bias[END] += 1.5  # rows of several lengths
    folder = network(tmp_path / "network", model)
    if scheme:
        for part in ("encoder", "decoder"):
            edgernn.quantize(folder / f"{part}.onnx", tmp_path / f"{part}.onnx", scheme=scheme)
        from edgernn.network_folder import read_network_folder, write_bundle_file

        settings = read_network_folder(folder).settings
        for part in ("encoder", "decoder"):
            (tmp_path / f"{part}.onnx").replace(folder / f"{part}.onnx")
        write_bundle_file(folder, "translate", ["encoder", "decoder"], settings)
    path = tmp_path / "greedy.onnx"
    manifest = edgernn.export_greedy(folder, path)
    assert manifest.recurrence == "loop"
    assert manifest.parity["passed"]
    assert [spec.name for spec in manifest.inputs] == ["source", "lengths"]
    session, decoder = edgernn.load(path), Seq2SeqDecoder(folder, beam=1)
    random = np.random.default_rng(0)
    lengths = np.array([9, 1, 4, 6, 2])
    source = random.integers(0, SYMBOLS, (5, 9))
    found = session.run(source, lengths)
    assert isinstance(found, dict)
    seen = set()
    for row in range(5):
        (best,) = decoder.decode(source[row, : lengths[row]].tolist())
        count = int(found["counts"][row])
        assert tuple(found["symbols"][row, :count]) == best.symbols
        assert (found["symbols"][row, count:] == END).all()
        seen.add(count)
    assert len(seen) > 1
    assert edgernn.verify(model, path).passed or scheme
    assert edgernn.verify(folder, path).passed


def test_a_graph_that_writes_something_else_is_found(tmp_path: Path) -> None:
    model = translator(1)
    path = tmp_path / "greedy.onnx"
    edgernn.export_greedy(network(tmp_path / "network", model), path)
    assert edgernn.verify(model, path).passed
    with torch.no_grad():
        model.decoder.bias[3] += 3
    report = edgernn.verify(model, path)
    assert {check.name for check in report.failures} == {"the likeliest by torch"}
    with pytest.raises(ParityError, match="likeliest"):
        edgernn.verify(model, path, raise_on_failure=True)


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [("greedy.end", 3, "rows end"), ("greedy.longest", 3, "rows end")],
)
def test_a_loop_that_ends_elsewhere_is_found(name: str, value: int, complaint: str, tmp_path: Path) -> None:
    model = translator(1)
    with torch.no_grad():
        model.decoder.bias[END] -= 20  # nothing ends by itself
        model.decoder.bias[3] += 20
    path = tmp_path / "greedy.onnx"
    edgernn.export_greedy(network(tmp_path / "network", model), path)
    assert edgernn.verify(model, path).passed
    changed = onnx.load(path)
    (constant,) = [item for item in changed.graph.initializer if item.name == name]
    constant.CopyFrom(numpy_helper.from_array(np.array(value, np.int64), name))
    onnx.save(changed, path)
    report = edgernn.verify(model, path)
    assert any(complaint in check.name for check in report.failures)


def test_what_it_cannot_be_made_of(tmp_path: Path) -> None:
    folder = network(tmp_path / "network", translator())
    with pytest.raises(InputError, match=r"\.onnx"):
        edgernn.export_greedy(folder, tmp_path / "greedy")
    edgernn.export_greedy(folder, tmp_path / "greedy.onnx")
    with pytest.raises(InputError, match="made of"):
        edgernn.verify(torch.nn.Linear(2, 2), tmp_path / "greedy.onnx")
