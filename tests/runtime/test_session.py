from dataclasses import replace

import numpy as np
import pytest

import edgernn
from edgernn.errors import InputError, ModelError
from edgernn.runtime import load


def signal(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def plain_gru(path, x, h):
    """The GRU of the fixture in plain numpy, float64; x (batch, time, features), h (batch, hidden)."""
    import onnx
    from onnx import numpy_helper

    weights = {item.name: numpy_helper.to_array(item) for item in onnx.load(path).graph.initializer}
    W, R, (B,) = weights["W"][0].astype(float), weights["R"][0].astype(float), weights["B"].astype(float)
    n = h.shape[1]
    outputs = []
    for t in range(x.shape[1]):
        a, b = x[:, t] @ W.T + B[: 3 * n], h @ R.T + B[3 * n :]
        z, r = (1 / (1 + np.exp(-(a[:, s] + b[:, s]))) for s in (slice(0, n), slice(n, 2 * n)))
        h = (1 - z) * np.tanh(a[:, 2 * n :] + r * b[:, 2 * n :]) + z * h
        outputs.append(h @ weights["head"])
    return np.stack(outputs, 1), h


@pytest.mark.parametrize(("batch", "time"), [(1, 1), (1, 7), (3, 1), (4, 9)])
def test_run_computes_the_equations(recurrent, batch, time):
    path = recurrent(streaming=False)
    x = signal(batch, time, 3)
    wanted, _ = plain_gru(path, x, np.zeros((batch, 5)))
    np.testing.assert_allclose(load(path).run(x), wanted, atol=1e-5)


def test_a_streaming_model_runs_from_given_states(recurrent):
    path = recurrent()
    session = load(path)
    x, h = signal(2, 6, 3), signal(1, 2, 5)
    wanted, wanted_h = plain_gru(path, x, h[0])
    y, states = session.run_with_states(x, states={"h": h})
    np.testing.assert_allclose(y, wanted, atol=1e-5)
    np.testing.assert_allclose(states["h"][0], wanted_h, atol=1e-5)
    first, middle = session.run_with_states(x[:, :2], states={"h": h})
    second = session.run(x[:, 2:], states=middle)
    np.testing.assert_allclose(np.concatenate([first, second], 1), wanted, atol=1e-5)


def test_initial_states_are_the_manifests(recurrent):
    path = recurrent(initial=0.5)
    wanted, _ = plain_gru(path, signal(2, 3, 3), np.full((2, 5), 0.5))
    np.testing.assert_allclose(load(path).run(signal(2, 3, 3)), wanted, atol=1e-5)


def test_several_inputs_and_outputs(counter):
    session = load(counter())
    x, gain = signal(2, 4, 1), signal(2, 1)
    by_position = session.run(x, gain)
    by_name = session.run(gain=gain, x=x)
    mixed = session.run(x, gain=gain)
    for result in (by_position, by_name, mixed):
        assert list(result) == ["y", "positions"]
        np.testing.assert_allclose(result["y"], x[:, ::2] * gain[:, None], rtol=1e-6)
        np.testing.assert_array_equal(result["positions"], np.nonzero(x > 0))


def test_what_a_session_says_of_itself(recurrent):
    path = recurrent()
    session = edgernn.load(str(path))
    assert session.path == path
    assert session.provider == "cpu"
    assert session.fallbacks == ()
    assert [spec.name for spec in session.inputs] == ["x"]
    assert [spec.name for spec in session.outputs] == ["y"]
    assert session.manifest.states[0].input == "h"
    assert str(path) in repr(session)
    assert "streaming, cpu, x['batch', 'time', 3] -> y" in repr(session)


@pytest.mark.parametrize(
    "value",
    [
        [[[0.5, -1, 2]]],
        np.array([[[0.5, -1, 2]]]),
        np.array([[[0.5, -1, 2]]], ">f4"),
        np.array([[[0.5, -1, 2]]], np.float16),
    ],
    ids=["list", "float64", "big-endian", "float16"],
)
def test_floats_are_cast(recurrent, value):
    session = load(recurrent())
    exact = np.array([[[0.5, -1, 2]]], np.float32)
    np.testing.assert_array_equal(session.run(value), session.run(exact))


def test_integers_are_cast_to_floats_and_non_contiguous_arrays_are_taken(recurrent):
    session = load(recurrent())
    np.testing.assert_array_equal(session.run([[[1, 2, 3]]]), session.run([[[1.0, 2.0, 3.0]]]))
    x = signal(3, 7, 2)
    np.testing.assert_array_equal(session.run(x.T), session.run(np.ascontiguousarray(x.T)))


@pytest.mark.parametrize(
    ("inputs", "named", "message"),
    [
        ((), {}, "input 'x' is missing"),
        ((signal(1, 2, 3), 1), {}, r"expected 1 inputs \(x\), found 2"),
        ((), {"y": 1}, "unknown input 'y'. The model's inputs are: x"),
        ((signal(1, 2, 3),), {"x": signal(1, 2, 3)}, "input 'x' is given twice"),
        ((signal(2, 3),), {}, r"input 'x': expected 3 dimensions \(batch, time, 3\), found shape \(2, 3\)"),
        ((signal(1, 2, 4),), {}, r"input 'x': dimension 2 must be 3, found 4 in shape \(1, 2, 4\)"),
        ((signal(1, 0, 3),), {}, r"input 'x': dimension 1 \(time\) is empty"),
        ((signal(0, 2, 3),), {}, r"input 'x': dimension 0 \(batch\) is empty"),
        (([[["a", "b", "c"]]],), {}, "input 'x': dtype <U1 cannot become float32"),
        ((signal(1, 2, 3) * 1j,), {}, "input 'x': dtype complex64 cannot become float32"),
        (([[[1, 2, 3], [1]]],), {}, "input 'x': not an array of numbers"),
        (([[[1e300, 2, 3]]],), {}, "input 'x': some values are too large for float32"),
        ((None,), {}, "input 'x': dtype object"),
    ],
)
def test_wrong_inputs_are_refused_by_name(recurrent, inputs, named, message):
    with pytest.raises(InputError, match=message):
        load(recurrent()).run(*inputs, **named)


def test_named_dimensions_must_agree_between_inputs(counter):
    with pytest.raises(InputError, match=r"input 'gain': dimension 0 \(batch\) is 3, but batch is 2"):
        load(counter()).run(signal(2, 4, 1), signal(3, 1))


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([[0.5]], "input 'steps': dtype float64 cannot become int64"),
        (np.array([[2**63]], np.uint64), "input 'steps': values from .* do not fit int64"),
        ([[1], [2]], "batch is 1 elsewhere"),
    ],
)
def test_states_are_checked_like_inputs(counter, steps, message):
    with pytest.raises(InputError, match=message):
        load(counter()).run(signal(1, 2, 1), [[1.0]], states={"steps": steps})


def test_states_must_be_all_and_only_the_models(recurrent):
    session = load(recurrent("LSTM"))
    with pytest.raises(InputError, match=r"states: 'c' is missing. The model's states are: h, c"):
        session.run(signal(1, 2, 3), states={"h": np.zeros((1, 1, 5))})
    zeros = np.zeros((1, 1, 5))
    with pytest.raises(InputError, match="states: 'z' is unknown"):
        session.run(signal(1, 2, 3), states={"h": zeros, "c": zeros, "z": zeros})


def test_run_of_a_streaming_model_keeps_to_chunk_and_hop(recurrent, counter):
    with pytest.raises(InputError, match="input 'x': dimension 1 must be 4, found 3"):
        load(recurrent(chunk=4)).run(signal(1, 3, 3))
    with pytest.raises(InputError, match="input 'x': 3 steps are no multiple of the model's hop, 2"):
        load(counter()).run(signal(1, 3, 1), [[1.0]])


def test_nan_policy(recurrent):
    path = recurrent()
    bad = np.array([[[1, np.nan, 1]]], np.float32)
    # Why "refuse" exists: onnxruntime's GRU gives an ordinary number, so the output tells nothing.
    assert np.isfinite(load(path).run(bad)).all()
    for value in (bad, [[[1, np.inf, 1]]]):
        with pytest.raises(InputError, match="input 'x': holds NaN or infinity"):
            load(path, nan="refuse").run(value)
        with pytest.raises(InputError, match="input 'x': holds NaN or infinity"):
            load(path, nan="refuse").stream().push(value)
    with pytest.raises(InputError, match="nan: expected 'allow' or 'refuse', found 'maybe'"):
        load(path, nan="maybe")


def test_a_sequence_model_does_not_stream(recurrent):
    session = load(recurrent(streaming=False))
    with pytest.raises(InputError, match=r"stream: .* is a sequence model.*streaming=True"):
        session.stream()
    with pytest.raises(InputError, match=r"pool: .* is a sequence model.*streaming=True"):
        session.pool(2)


def test_files_that_are_no_models(tmp_path, recurrent, capfd):
    with pytest.raises(InputError, match=r"model: no file at .*nothing\.onnx"):
        load(tmp_path / "nothing.onnx")
    with pytest.raises(InputError, match="is not a file"):
        load(tmp_path)
    whole = recurrent().read_bytes()
    for number, data in enumerate([b"", b"not a model at all", whole[: len(whole) // 2], whole[:-3]]):
        broken = tmp_path / f"broken{number}.onnx"
        broken.write_bytes(data)
        with pytest.raises(ModelError, match=rf"broken{number}\.onnx"):
            load(broken)
    with pytest.raises(ModelError, match=r"no edgernn manifest.*edgernn export.*onnxruntime itself"):
        load(recurrent(metadata=False, name="foreign.onnx"))
    assert capfd.readouterr() == ("", "")


def test_a_graph_that_onnxruntime_refuses_is_a_model_error(tmp_path, recurrent, capfd):
    import onnx

    path = recurrent()
    model = onnx.load(path)
    model.graph.node[1].op_type = "NoSuchOperator"
    onnx.save(model, path)
    with pytest.raises(ModelError, match="NoSuchOperator"):
        load(path)
    assert capfd.readouterr() == ("", "")


def test_a_failure_inside_the_graph_names_the_file(counter, capfd):
    # The manifest promises a hop of 1, so the bound output has twice the steps that the graph gives.
    path = counter(
        change=lambda manifest: manifest.with_(
            outputs=(replace(manifest.outputs[0], hop=1), *manifest.outputs[1:])
        )
    )
    with pytest.raises(ModelError, match=r"counter\.onnx' failed on cpu"):
        load(path).stream().push(signal(1, 4, 1), [[1.0]])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("threads", [0, -1, 1.5, True, "2"])
def test_threads_are_a_positive_number(recurrent, threads):
    with pytest.raises(InputError, match="threads: expected a whole number from 1"):
        load(recurrent(), threads=threads)


def test_more_threads_compute_the_same(recurrent):
    path = recurrent()
    x = signal(4, 9, 3)
    np.testing.assert_allclose(load(path, threads=2).run(x), load(path).run(x), atol=1e-6)
