"""A file whose manifest and graph disagree is refused, and the message names the tensor."""

from dataclasses import replace

import numpy as np
import pytest

from edgernn.errors import ModelError
from edgernn.manifest import StateSpec, TensorSpec
from edgernn.runtime import load


def change_input(**changes):
    return lambda manifest: manifest.with_(inputs=(replace(manifest.inputs[0], **changes),))


def change_output(**changes):
    return lambda manifest: manifest.with_(outputs=(replace(manifest.outputs[0], **changes),))


def change_state(**changes):
    return lambda manifest: manifest.with_(
        states=(replace(manifest.states[0], **changes), *manifest.states[1:])
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_input(name="audio"), "the graph has no input 'audio'; its inputs are: x, h, c"),
        (change_output(name="scores"), "the graph has no output 'scores'; its outputs are: y, h_out, c_out"),
        (change_state(input="h0"), "the graph has no input 'h0'"),
        (change_state(output="hn"), "the graph has no output 'hn'"),
        (change_state(output="c_out"), "it lists output 'c_out' twice"),
        (change_state(input="x"), "it lists input 'x' twice"),
        (change_input(dtype="float64"), "input 'x' is float32 in the graph, float64 in the manifest"),
        (change_output(dtype="int64"), "output 'y' is float32 in the graph, int64 in the manifest"),
        (change_state(dtype="float16"), "input 'h' is float32 in the graph, float16 in the manifest"),
        (change_input(dims=("batch", 3)), "input 'x' has another rank"),
        (change_output(dims=("batch", "time", 1, 2)), "output 'y' has another rank"),
        (change_state(dims=("batch", 5)), "input 'h' has another rank"),
        (
            change_input(dims=("batch", "time", 4)),
            r"input 'x', dimension 2: \(batch, time, 3\) in the graph, ",
        ),
        (change_output(dims=("batch", "time", 3)), "output 'y', dimension 2"),
        (change_state(dims=(1, "batch", 6)), "input 'h', dimension 2"),
        (change_input(dims=("batch", "time", "features")), "input 'x', dimension 2"),
        (change_state(dims=(1, "batch", "hidden")), r"state 'h' has dims \(1, batch, hidden\); only 'batch'"),
        (change_state(dims=("batch", "batch", 5)), "only 'batch' may be free, once"),
        (change_state(dims=(1, "rows", 5)), "only 'batch' may be free"),
        (change_input(time_dim=3), "'x' has 3 dims, but its time_dim is 3"),
        (lambda manifest: manifest.with_(states=manifest.states[:1]), "the graph's input 'c' is not in the"),
        (lambda manifest: manifest.with_(inputs=()), "no inputs or no outputs"),
        (lambda manifest: manifest.with_(streaming=False), "it declares states but not streaming"),
        (
            lambda manifest: manifest.with_(
                states=(*manifest.states, StateSpec("extra", "extra_out", "float32", (1,)))
            ),
            "the graph has no input 'extra'",
        ),
        (
            lambda manifest: manifest.with_(
                outputs=(*manifest.outputs, TensorSpec("extra", "float32", ("batch",)))
            ),
            "the graph has no output 'extra'",
        ),
    ],
)
def test_disagreements_are_named(recurrent, change, message):
    with pytest.raises(ModelError, match=f"manifest and graph disagree: .*{message}"):
        load(recurrent("LSTM", change=change))


def test_a_batch_that_the_graph_fixes_may_not_be_promised(recurrent):
    path = recurrent(streaming=False, graph_dims={"x": (1, "time", 3)})
    with pytest.raises(
        ModelError, match=r"input 'x', dimension 0: \(1, time, 3\) in the graph, \(batch, time"
    ):
        load(path)


def test_the_manifest_may_fix_what_the_graph_leaves_open(recurrent):
    session = load(recurrent(streaming=False, change=change_input(dims=(1, "time", 3))))
    assert session.run(np.zeros((1, 2, 3))).shape == (1, 2, 2)


@pytest.mark.parametrize("text", ["{", "[]", '{"format_version": 99}', '{"format_version": 1}'])
def test_broken_manifests_are_model_errors(recurrent, text):
    import onnx

    path = recurrent()
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {"edgernn": text})
    onnx.save(model, path)
    with pytest.raises(ModelError, match="manifest"):
        load(path)
