import gc
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgernn.errors import InputError
from edgernn.runtime import Snapshot, load

ATOL = 1e-6


def signal(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def push_all(stream, x, schedule):
    """Push x (batch, time, feature) in chunks of the lengths in `schedule`, over and over until its end."""
    outputs, start, turn = [], 0, 0
    while start < x.shape[1]:
        length = schedule[turn % len(schedule)]
        outputs.append(stream.push(x[:, start : start + length]))
        start, turn = start + length, turn + 1
    return np.concatenate(outputs, axis=1)


@pytest.fixture(params=["GRU", "LSTM"])
def session(request, recurrent):
    return load(recurrent(request.param, initial=0.25))


@pytest.fixture(params=["bound", "bound by public methods", "copied"])
def every_way(request, monkeypatch):
    """Runs a test on each way to call onnxruntime: the last is for providers with a memory of their own."""
    if request.param == "bound by public methods":
        monkeypatch.setattr("edgernn.runtime.engine.Engine.inner", property(lambda self: self.session))
    if request.param == "copied":
        monkeypatch.setattr("edgernn.runtime.providers.cpu.HOST_MEMORY", False)


@settings(max_examples=40, deadline=None)
@given(
    schedule=st.lists(st.integers(1, 12), min_size=1, max_size=12),
    batch=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_every_chunk_schedule_gives_the_sequence(lstm_session, schedule, batch, seed):
    x = signal(batch, 40, 3, seed=seed)
    wanted, wanted_states = lstm_session.run_with_states(x)
    stream = lstm_session.stream(batch)
    np.testing.assert_allclose(push_all(stream, x, schedule), wanted, atol=ATOL)
    for name, state in stream.states.items():
        np.testing.assert_allclose(state, wanted_states[name], atol=ATOL)


def test_a_stream_equals_the_sequence(every_way, session):
    x = signal(2, 30, 3)
    stream = session.stream(batch=2)
    np.testing.assert_allclose(push_all(stream, x, [1, 1, 4, 2]), session.run(x), atol=ATOL)


def test_the_streaming_graph_equals_the_sequence_graph(recurrent):
    x = signal(1, 12, 3)
    stream = load(recurrent("LSTM")).stream()
    np.testing.assert_allclose(
        push_all(stream, x, [5, 1]), load(recurrent("LSTM", streaming=False)).run(x), atol=ATOL
    )


def test_two_streams_of_a_session_do_not_mix(session):
    x, z = signal(1, 20, 3, seed=1), signal(1, 20, 3, seed=2)
    first, second = session.stream(), session.stream()
    pairs = [(first.push(x[:, t : t + 1]), second.push(z[:, t : t + 1])) for t in range(20)]
    np.testing.assert_allclose(np.concatenate([a for a, _ in pairs], 1), session.run(x), atol=ATOL)
    np.testing.assert_allclose(np.concatenate([b for _, b in pairs], 1), session.run(z), atol=ATOL)


def test_outputs_are_not_overwritten_by_later_pushes(session):
    stream = session.stream()
    first = stream.push(signal(1, 1, 3))
    copy = first.copy()
    second = stream.push(signal(1, 1, 3, seed=5))
    assert not np.shares_memory(first, second)
    np.testing.assert_array_equal(first, copy)


def test_the_chunk_may_be_reused_by_the_caller(session):
    x, chunk = signal(1, 8, 3), np.empty((1, 1, 3), np.float32)
    stream, outputs = session.stream(), []
    for t in range(8):
        chunk[...] = x[:, t : t + 1]
        outputs.append(stream.push(chunk))
        chunk.fill(np.nan)
    np.testing.assert_allclose(np.concatenate(outputs, 1), session.run(x), atol=ATOL)


def test_bound_memory_outlives_garbage_collection(recurrent):
    """onnxruntime holds bare pointers: were an array dropped, new arrays would land on its memory."""
    x = signal(1, 60, 3)
    wanted = load(recurrent("LSTM")).run(x)
    stream = load(recurrent("LSTM")).stream()  # nobody else holds the session
    outputs, start = [], 0
    for length in [1, 2, 3] * 10:
        outputs.append(stream.push(x[:, start : start + length]))
        start += length
        gc.collect()
        garbage = [np.full(size, np.nan, np.float32) for size in (1, 2, 3, 5, 6, 9, 15) for _ in range(20)]
        del garbage
    np.testing.assert_allclose(np.concatenate(outputs, 1), wanted, atol=ATOL)


def test_more_chunk_lengths_than_are_cached(session):
    x = signal(1, 200, 3)
    stream = session.stream()
    schedule = [*range(1, 14), *range(13, 0, -1), 1, 1]
    np.testing.assert_allclose(push_all(stream, x, schedule), session.run(x), atol=ATOL)


def test_reset_starts_again(session):
    x = signal(1, 9, 3)
    stream = session.stream()
    first = push_all(stream, x, [1, 3])
    assert not np.allclose(push_all(stream, x, [1, 3]), first)
    stream.reset()
    for state in stream.states.values():
        assert (state == 0.25).all()
    np.testing.assert_array_equal(push_all(stream, x, [1, 3]), first)


@pytest.mark.parametrize("pushes", [0, 1, 2])
def test_snapshot_and_restore_in_the_middle(session, pushes):
    x = signal(2, 12, 3)
    stream = session.stream(2)
    head = [stream.push(x[:, t : t + 1]) for t in range(pushes)]
    snapshot = stream.snapshot()
    tail = push_all(stream, x[:, pushes:], [2])
    np.testing.assert_allclose(np.concatenate([*head, tail], 1), session.run(x), atol=ATOL)

    stream.restore(snapshot)
    np.testing.assert_array_equal(push_all(stream, x[:, pushes:], [2]), tail)

    other = session.stream(2)
    other.push(x[:, :1])
    other.restore(Snapshot.from_bytes(snapshot.to_bytes()))
    np.testing.assert_array_equal(push_all(other, x[:, pushes:], [2]), tail)


def test_a_snapshot_does_not_change(session):
    stream = session.stream()
    stream.push(signal(1, 1, 3))
    snapshot = stream.snapshot()
    before = {name: array.copy() for name, array in snapshot.states.items()}
    stream.push(signal(1, 1, 3))
    stream.push(signal(1, 1, 3))
    for name, array in snapshot.states.items():
        np.testing.assert_array_equal(array, before[name])
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(TypeError):
        snapshot.states["h"] = np.zeros(1)


def test_a_snapshot_made_by_hand_takes_copies():
    array = np.zeros((1, 1, 5), np.float32)
    snapshot = Snapshot("digest", 1, {"h": array})
    array += 1
    assert (snapshot.states["h"] == 0).all()


def test_snapshots_that_do_not_fit(recurrent):
    stream = load(recurrent(seed=0)).stream()
    with pytest.raises(InputError, match="snapshot: taken from another model"):
        stream.restore(load(recurrent(seed=1)).stream().snapshot())
    with pytest.raises(InputError, match="snapshot: has batch 2, this stream has batch 1"):
        stream.restore(stream.session.stream(2).snapshot())
    with pytest.raises(InputError, match="snapshot: expected a Snapshot, found dict"):
        stream.restore(stream.states)
    digest = stream.session.digest
    for states in ({}, {"h": np.zeros((1, 1, 4), np.float32)}, {"h": np.zeros((1, 1, 5))}):
        with pytest.raises(InputError, match="snapshot: damaged, state 'h'"):
            stream.restore(Snapshot(digest, 1, states))


def test_damaged_snapshot_bytes(recurrent):
    whole = load(recurrent()).stream().snapshot().to_bytes()
    for data in (b"", b"nonsense", whole[:50], whole[:-40], b"\x80\x04N."):
        with pytest.raises(InputError, match="snapshot: these bytes are not a snapshot"):
            Snapshot.from_bytes(data)


def test_out_takes_the_output(session):
    x = signal(1, 3, 3)
    stream, wanted = session.stream(), session.run(x)
    for t in range(3):
        out = np.empty((1, 1, 2), np.float32)
        assert stream.push(x[:, t : t + 1], out=out) is out
        np.testing.assert_allclose(out, wanted[:, t : t + 1], atol=ATOL)


@pytest.mark.parametrize("warm", [False, True])
def test_a_refused_push_leaves_the_states(session, warm):
    x = signal(1, 4, 3)
    stream = session.stream()
    outputs = [stream.push(x[:, :1])] if warm else []
    read_only = np.empty((1, 1, 2), np.float32)
    read_only.flags.writeable = False
    for out, message in (
        (
            np.empty((1, 2, 2), np.float32),
            r"out: output 'y' is float32 \(1, 1, 2\), the array is float32 \(1, 2, 2\)",
        ),
        (np.empty((1, 1, 2)), "out: output 'y' is float32"),
        (read_only, "out: the array for output 'y' is read-only"),
        ([0], "out: expected an array for output 'y', found list"),
    ):
        with pytest.raises(InputError, match=message):
            stream.push(x[:, :1], out=out)
    for chunk, message in (
        (signal(1, 1, 4), "input 'x': dimension 2 must be 3, found 4"),
        (signal(2, 1, 3), r"input 'x': dimension 0 \(batch\) is 2, but batch is 1"),
        (signal(1, 0, 3), r"dimension 1 \(time\) is empty"),
        (signal(1, 3), "expected 3 dimensions"),
        ("text", "input 'x': dtype"),
        (0.5, "expected 3 dimensions"),
    ):
        with pytest.raises(InputError, match=message):
            stream.push(chunk)
    with pytest.raises(InputError, match="input 'x' is missing"):
        stream.push()
    outputs.append(push_all(stream, x[:, len(outputs) :], [1]))
    np.testing.assert_allclose(np.concatenate(outputs, 1), session.run(x), atol=ATOL)


def test_lists_and_float64_are_taken(session):
    x = signal(1, 3, 3)
    stream = session.stream()
    outputs = [
        stream.push(x[:, 0:1].astype(np.float64)),
        stream.push(x[:, 1:2].tolist()),
        stream.push(x=x[:, 2:]),
    ]
    np.testing.assert_allclose(np.concatenate(outputs, 1), session.run(x), atol=ATOL)


def test_plain_numbers_where_a_step_is_one(recurrent):
    session = load(recurrent(features=1))
    stream = session.stream()
    outputs = [stream.push(value) for value in (0.5, -1, np.float32(2))]
    np.testing.assert_allclose(np.concatenate(outputs, 1), session.run([[[0.5], [-1], [2]]]), atol=ATOL)
    with pytest.raises(InputError, match="expected 3 dimensions"):
        session.stream(2).push(0.5)


def test_a_fixed_chunk(recurrent):
    session = load(recurrent(chunk=4))
    x = signal(1, 12, 3)
    stream = session.stream()
    whole = load(recurrent()).run(x)
    np.testing.assert_allclose(push_all(stream, x, [4]), whole, atol=ATOL)
    with pytest.raises(InputError, match="input 'x': dimension 1 must be 4, found 3"):
        stream.push(x[:, :3])


def test_chunk_of_the_manifest_holds_even_where_the_graph_is_free(recurrent):
    session = load(recurrent(change=lambda manifest: manifest.with_(chunk=4)))
    with pytest.raises(InputError, match="input 'x': the model takes chunks of 4 steps, found 3"):
        session.stream().push(signal(1, 3, 3))


def test_several_inputs_outputs_and_shapes_nobody_knows(every_way, counter):
    """Also: an int64 state, a hop of 2, and an output of another length at each push."""
    stream = load(counter()).stream(batch=2)
    x, steps = signal(2, 24, 1), 0
    for length in (2, 4, 2, 2, 6, 4, 2, 2):
        chunk, gain = x[:, steps : steps + length], signal(2, 1, seed=steps)
        result = stream.push(chunk, gain=gain) if steps % 4 else stream.push(chunk, gain)
        np.testing.assert_allclose(result["y"], chunk[:, ::2] * gain[:, None] + steps, rtol=1e-6)
        np.testing.assert_array_equal(result["positions"], np.nonzero(chunk > 0))
        steps += length
        assert (stream.states["steps"] == steps).all()
    with pytest.raises(InputError, match="3 steps are no multiple of the model's hop, 2"):
        stream.push(x[:, :3], gain)


def test_out_of_several_outputs(counter):
    stream = load(counter()).stream()
    x = np.array([[[1], [-1], [2], [-2]]], np.float32)
    out = {"y": np.empty((1, 2, 1), np.float32), "positions": np.empty((3, 2), np.int64)}
    assert stream.push(x, [[2]], out=out) is out
    np.testing.assert_array_equal(out["y"].ravel(), [2, 4])
    np.testing.assert_array_equal(out["positions"][1], [0, 2])
    with pytest.raises(InputError, match="out: expected a dict of arrays for y, positions"):
        stream.push(x, [[2]], out={"y": out["y"]})
    with pytest.raises(InputError, match="out: output 'positions' is int64"):
        stream.push(x - 9, [[2]], out=out)
    assert stream.states["steps"] == 4


@pytest.mark.parametrize("batch", [0, -1, 1.0, True, "1"])
def test_batch_is_a_positive_number(session, batch):
    with pytest.raises(InputError, match="batch: expected a whole number from 1"):
        session.stream(batch)


def test_a_second_thread_is_refused_while_a_push_runs(session):
    started, go_on = threading.Event(), threading.Event()

    class Slow:
        def __array__(self, dtype=None, copy=None):
            started.set()
            assert go_on.wait(30)
            return signal(1, 1, 3)

    stream = session.stream()
    outputs = []
    thread = threading.Thread(target=lambda: outputs.append(stream.push(Slow())))
    thread.start()
    assert started.wait(30)
    for method in (lambda: stream.push(signal(1, 1, 3)), stream.reset, stream.snapshot):
        with pytest.raises(InputError, match="at work in another thread"):
            method()
    go_on.set()
    thread.join()
    outputs.append(stream.push(signal(1, 1, 3)))
    np.testing.assert_allclose(
        np.concatenate(outputs, 1), session.run(np.repeat(signal(1, 1, 3), 2, 1)), atol=ATOL
    )


def test_streams_of_one_session_run_in_many_threads(session):
    signals = [signal(1, 200, 3, seed=seed) for seed in range(4)]
    outputs = [None] * 4

    def work(number):
        outputs[number] = push_all(session.stream(), signals[number], [1, 1, 2])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for x, y in zip(signals, outputs, strict=True):
        np.testing.assert_allclose(y, session.run(x), atol=ATOL)


def test_swapped_state_outputs_are_seen(recurrent):
    """A negative control: were h and c paired wrongly, the comparison with the sequence would tell."""

    def swap(manifest):
        h, c = manifest.states
        return manifest.with_(states=(replace(h, output=c.output), replace(c, output=h.output)))

    x = signal(1, 20, 3)
    wanted = load(recurrent("LSTM", streaming=False)).run(x)
    stream = load(recurrent("LSTM", change=swap, name="swapped.onnx")).stream()
    assert np.abs(push_all(stream, x, [1]) - wanted).max() > 1e-2
    # A single push goes wrong nowhere: only streaming shows it.
    stream.reset()
    np.testing.assert_allclose(stream.push(x), wanted, atol=ATOL)


def test_repr(session):
    assert repr(session.stream(3)) == f"Stream({str(session.path)!r}, batch=3)"
    assert f"model={session.digest[:12]}…, batch=1, states=h" in repr(session.stream().snapshot())
