import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgernn.errors import InputError, ModelError
from edgernn.runtime import load

ATOL = 1e-6


def signal(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), capacity=st.integers(1, 5))
def test_a_pool_equals_single_streams_under_random_use(lstm_session, seed, capacity):
    random = np.random.default_rng(seed)
    pool, twins = lstm_session.pool(capacity), {}
    for _ in range(40):
        if len(twins) < capacity and random.random() < 0.4:
            stream_id = pool.open()
            assert stream_id not in twins
            twins[stream_id] = lstm_session.stream()
        if twins and random.random() < 0.1:
            closed = int(random.choice(list(twins)))
            pool.close(closed)
            del twins[closed]
        if twins and random.random() < 0.1:
            fresh = int(random.choice(list(twins)))
            pool.reset(fresh)
            twins[fresh].reset()
        length = int(random.integers(1, 4))
        wanted = {}
        for stream_id in random.permutation(list(twins)):
            if random.random() < 0.75:
                chunk = random.normal(size=(1, length, 3)).astype(np.float32)
                pool.push(int(stream_id), chunk)
                wanted[int(stream_id)] = twins[int(stream_id)].push(chunk)
                chunk.fill(np.nan)  # the pool took a copy
        given_back = pool.step()
        assert set(given_back) == set(wanted)
        for stream_id, output in wanted.items():
            assert given_back[stream_id].shape == output.shape
            np.testing.assert_allclose(given_back[stream_id], output, atol=ATOL)


def test_outputs_stay_after_later_steps(lstm_session):
    pool = lstm_session.pool(2)
    a, b = pool.open(), pool.open()
    for ids in ((a, b), (a,)):
        for stream_id in ids:
            pool.push(stream_id, signal(1, 1, 3, seed=stream_id))
        first = pool.step()
        copies = {stream_id: output.copy() for stream_id, output in first.items()}
        for stream_id in ids:
            pool.push(stream_id, signal(1, 1, 3, seed=9))
        pool.step()
        for stream_id in ids:
            np.testing.assert_array_equal(first[stream_id], copies[stream_id])


@pytest.mark.parametrize("queued", [3, 2])
def test_a_step_is_one_call_into_onnxruntime(lstm_session, queued, monkeypatch):
    """However many streams are queued, all of the pool's or some."""
    pool = lstm_session.pool(3)
    ids = [pool.open() for _ in range(3)]
    runs = []

    def step():
        for stream_id in ids[:queued]:
            pool.push(stream_id, np.zeros((1, 1, 3), np.float32))
        assert set(pool.step()) == set(ids[:queued])

    step()  # binds
    batching = pool._batching
    for call in (*batching._full, *(partial.call for partial in batching._partial.values())):
        run = call.run
        monkeypatch.setattr(call, "run", lambda *arguments, run=run: (runs.append(1), run(*arguments)))
    for _ in range(5):
        step()
    assert len(runs) == 5


def test_a_tensor_without_a_batch_cannot_be_shared(counter):
    with pytest.raises(InputError, match=r"pool: 'positions' of .* has no free batch dimension"):
        load(counter()).pool(2)


@pytest.mark.parametrize("host", [True, False])
@pytest.mark.parametrize("queued", [2, 3])
def test_batch_at_other_places_and_several_tensors(time_first, monkeypatch, host, queued):
    monkeypatch.setattr("edgernn.runtime.providers.cpu.HOST_MEMORY", host)
    session = load(time_first())
    pool = session.pool(3)
    ids = [pool.open() for _ in range(3)]
    twins = {stream_id: session.stream() for stream_id in ids}
    for turn in range(5):
        wanted = {}
        for stream_id in ids[3 - queued :][::-1]:
            x, gain = signal(4, 1, 2, seed=10 * turn + stream_id), signal(1, 2, seed=stream_id)
            pool.push(stream_id, x, gain=gain)
            wanted[stream_id] = twins[stream_id].push(x, gain)
        outputs = pool.step()
        assert set(outputs) == set(wanted)
        for stream_id, output in wanted.items():
            assert list(outputs[stream_id]) == ["y", "last"]
            for name in output:
                assert outputs[stream_id][name].shape == output[name].shape
                np.testing.assert_allclose(outputs[stream_id][name], output[name], atol=ATOL)


def test_a_full_pool_says_its_capacity(lstm_session):
    pool = lstm_session.pool(2)
    first, _ = pool.open(), pool.open()
    with pytest.raises(InputError, match="the pool is full: all 2 streams are open"):
        pool.open()
    pool.close(first)
    assert pool.open() not in (0, 1)
    assert len(pool) == 2


def test_stale_and_unknown_ids(lstm_session):
    pool = lstm_session.pool(1)
    old = pool.open()
    pool.close(old)
    pool.open()
    for call in (lambda: pool.push(old, signal(1, 1, 3)), lambda: pool.close(old), lambda: pool.reset(old)):
        with pytest.raises(InputError, match=f"stream {old} is not open in this pool"):
            call()
    with pytest.raises(InputError, match="stream 'me' is not open"):
        pool.push("me", signal(1, 1, 3))


def test_one_chunk_a_stream_and_one_length_a_step(lstm_session):
    pool = lstm_session.pool(2)
    a, b = pool.open(), pool.open()
    pool.push(a, signal(1, 2, 3))
    with pytest.raises(InputError, match=f"stream {a} has a chunk queued already; call step first"):
        pool.push(a, signal(1, 2, 3))
    with pytest.raises(InputError, match=r"\(1, 3, 3\).*must have the same length"):
        pool.push(b, signal(1, 3, 3))
    pool.push(b, signal(1, 2, 3))
    assert set(pool.step()) == {a, b}
    pool.push(b, signal(1, 3, 3))
    assert set(pool.step()) == {b}


@pytest.mark.parametrize("queued", [False, True])
@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        (signal(2, 1, 3), r"input 'x': dimension 0 \(batch\) is 2, but batch is 1"),
        (signal(1, 1, 4), "input 'x': dimension 2 must be 3, found 4"),
        (signal(1, 0, 3), r"dimension 1 \(time\) is empty"),
        ("text", "input 'x': dtype"),
        (None, "input 'x' is missing"),
    ],
)
def test_wrong_chunks_are_refused_and_leave_nothing_behind(lstm_session, queued, chunk, message):
    pool = lstm_session.pool(2)
    a, b = pool.open(), pool.open()
    if queued:
        pool.push(b, signal(1, 1, 3))
    with pytest.raises(InputError, match=message):
        pool.push(a, chunk)
    assert set(pool.step()) == ({b} if queued else set())


def test_step_without_chunks_is_empty(lstm_session):
    pool = lstm_session.pool(2)
    assert pool.step() == {}
    pool.push(pool.open(), signal(1, 1, 3))
    pool.step()
    assert pool.step() == {}


def test_close_drops_the_queued_chunk(lstm_session):
    pool = lstm_session.pool(2)
    a, b = pool.open(), pool.open()
    pool.push(a, signal(1, 1, 3))
    pool.push(b, signal(1, 1, 3))
    pool.close(a)
    assert set(pool.step()) == {b}


def without_hop(manifest):
    return manifest.with_(outputs=(replace(manifest.outputs[0], hop=1), *manifest.outputs[1:]))


def test_a_failed_step_keeps_the_queue(counter):
    """The manifest promises a hop of 1; the graph gives half the steps."""
    pool = load(counter(positions=False, change=without_hop)).pool(2)
    a = pool.open()
    pool.push(a, signal(1, 4, 1), [[1.0]])
    for _ in range(2):
        with pytest.raises(ModelError, match="failed on cpu"):
            pool.step()


def test_refuses_nan_where_the_session_does(recurrent):
    pool = load(recurrent(), nan="refuse").pool(1)
    stream_id = pool.open()
    for _ in range(2):
        with pytest.raises(InputError, match="holds NaN or infinity"):
            pool.push(stream_id, np.full((1, 1, 3), np.nan, np.float32))
        pool.push(stream_id, signal(1, 1, 3))
        pool.step()


@pytest.mark.parametrize("capacity", [0, 1.5, True, None])
def test_capacity_is_a_positive_number(lstm_session, capacity):
    with pytest.raises(InputError, match="capacity: expected a whole number from 1"):
        lstm_session.pool(capacity)


def test_threads_that_push_while_another_steps(lstm_session):
    signals = [signal(1, 30, 3, seed=seed) for seed in range(3)]
    pool = lstm_session.pool(3)
    ids = [pool.open() for _ in signals]
    arrived = {stream_id: [] for stream_id in ids}
    free = {stream_id: threading.Semaphore(1) for stream_id in ids}

    def work(stream_id, x):
        for t in range(x.shape[1]):
            assert free[stream_id].acquire(timeout=30)
            pool.push(stream_id, x[:, t : t + 1])

    threads = [threading.Thread(target=work, args=pair) for pair in zip(ids, signals, strict=True)]
    for thread in threads:
        thread.start()
    while any(len(outputs) < 30 for outputs in arrived.values()):
        for stream_id, output in pool.step().items():
            arrived[stream_id].append(output)
            free[stream_id].release()
    for thread in threads:
        thread.join()
    for stream_id, x in zip(ids, signals, strict=True):
        np.testing.assert_allclose(np.concatenate(arrived[stream_id], 1), lstm_session.run(x), atol=ATOL)


def test_repr(lstm_session):
    pool = lstm_session.pool(4)
    pool.open()
    assert "1 of 4 streams open" in repr(pool)
