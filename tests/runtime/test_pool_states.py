"""States of a pool's streams: taken, put back, written to disk; many streams, many threads."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgernn.errors import InputError
from edgernn.runtime import Session, StreamPool, load

ATOL = 1e-6


def signal(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def push(pool: StreamPool, stream_id: int, chunk: np.ndarray) -> np.ndarray:
    pool.push(stream_id, chunk)
    output = pool.step()[stream_id]
    assert isinstance(output, np.ndarray)
    return output


def used(pool: StreamPool, count: int) -> list[int]:
    """Open streams that have seen different things."""
    ids = [pool.open() for _ in range(count)]
    for stream_id in ids:
        push(pool, stream_id, signal(1, 3, 3, seed=stream_id))
    return ids


def test_a_snapshot_goes_back_elsewhere_and_into_a_stream(lstm_session: Session) -> None:
    pool, other, stream = lstm_session.pool(3), lstm_session.pool(2), lstm_session.stream()
    a, _ = used(pool, 2)
    taken = pool.snapshot(a)
    wanted = push(pool, a, signal(1, 2, 3))
    pool.restore(a, taken)
    np.testing.assert_array_equal(push(pool, a, signal(1, 2, 3)), wanted)
    other.open()
    b = other.open()
    other.restore(b, taken)
    np.testing.assert_allclose(push(other, b, signal(1, 2, 3)), wanted, atol=ATOL)
    stream.restore(taken)
    np.testing.assert_allclose(stream.push(signal(1, 2, 3)), wanted, atol=ATOL)
    again = lstm_session.pool(1)
    again.restore(again.open(), stream.snapshot())


def test_a_snapshot_is_a_copy_and_touches_no_neighbour(lstm_session: Session) -> None:
    pool = lstm_session.pool(3)
    a, b, c = used(pool, 3)
    before = {stream_id: pool.snapshot(stream_id) for stream_id in (a, c)}
    fresh = lstm_session.stream().snapshot()
    pool.restore(b, fresh)
    for stream_id, wanted in before.items():
        for name, array in pool.snapshot(stream_id).states.items():
            np.testing.assert_array_equal(array, wanted.states[name])
    for name, array in pool.snapshot(b).states.items():
        np.testing.assert_array_equal(array, fresh.states[name])


def test_what_is_no_snapshot_of_this_model_is_refused(lstm_session: Session, recurrent) -> None:
    pool = lstm_session.pool(2)
    (a,) = used(pool, 1)
    before = pool.snapshot(a)
    with pytest.raises(InputError, match="taken from another model"):
        pool.restore(a, load(recurrent("LSTM", seed=9)).stream().snapshot())
    with pytest.raises(InputError, match="has batch 2, this stream has batch 1"):
        pool.restore(a, lstm_session.stream(2).snapshot())
    with pytest.raises(InputError, match="expected a Snapshot, found dict"):
        pool.restore(a, {})  # type: ignore[arg-type]
    for call in (pool.snapshot, lambda stream_id: pool.restore(stream_id, before)):
        with pytest.raises(InputError, match="stream 7 is not open"):
            call(7)
    for name, array in pool.snapshot(a).states.items():
        np.testing.assert_array_equal(array, before.states[name])


@pytest.mark.parametrize("capacity", [3, 5])
def test_a_pool_goes_on_after_a_restart(lstm_session: Session, tmp_path: Path, capacity: int) -> None:
    pool = lstm_session.pool(4)
    ids = used(pool, 4)
    pool.close(ids[1])
    kept = [ids[0], ids[2], ids[3]]
    pool.save(tmp_path / "pool.npz")
    later = lstm_session.pool(capacity)
    assert later.load(tmp_path / "pool.npz") == tuple(kept)
    assert len(later) == 3
    for stream_id in reversed(kept):
        chunk = signal(1, 2, 3, seed=20 + stream_id)
        np.testing.assert_allclose(push(later, stream_id, chunk), push(pool, stream_id, chunk), atol=ATOL)
    with pytest.raises(InputError, match=f"stream {ids[1]} is not open"):
        later.push(ids[1], chunk)
    if capacity > 3:
        assert later.open() == pool.open() == 4  # never an id twice
    else:
        with pytest.raises(InputError, match="the pool is full"):
            later.open()


def test_an_empty_pool_and_batches_at_other_places(lstm_session: Session, tmp_path: Path, time_first) -> None:
    lstm_session.pool(2).save(tmp_path / "empty.npz")
    assert lstm_session.pool(1).load(tmp_path / "empty.npz") == ()
    session = load(time_first())
    pool = session.pool(3)
    ids = [pool.open() for _ in range(3)]
    for stream_id in ids:
        pool.push(stream_id, signal(4, 1, 2, seed=stream_id), signal(1, 2, seed=5))
    pool.step()
    pool.save(tmp_path / "pool.npz")
    later = session.pool(3)
    later.load(tmp_path / "pool.npz")
    for stream_id in ids:
        (wanted,), (found,) = (
            pool.snapshot(stream_id).states.values(),
            later.snapshot(stream_id).states.values(),
        )
        np.testing.assert_array_equal(found, wanted)


def test_save_loses_no_chunk_and_load_overwrites_no_stream(lstm_session: Session, tmp_path: Path) -> None:
    pool = lstm_session.pool(2)
    a, _ = used(pool, 2)
    pool.push(a, signal(1, 1, 3))
    with pytest.raises(InputError, match="1 chunks are queued; call step before save"):
        pool.save(tmp_path / "pool.npz")
    assert not (tmp_path / "pool.npz").exists()
    pool.step()
    pool.save(tmp_path / "pool.npz")
    with pytest.raises(InputError, match="has been used already"):
        pool.load(tmp_path / "pool.npz")


def repacked(data: bytes, **changes: object) -> bytes:
    """A saved pool with another header, or without a state."""
    with np.load(io.BytesIO(data)) as file:
        members = dict(file)
    header = json.loads(members["header"].tobytes())
    members["header"] = np.frombuffer(json.dumps({**header, **changes}).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **members)
    return buffer.getvalue()


def test_bad_files_are_refused_and_change_nothing(lstm_session: Session, recurrent, tmp_path: Path) -> None:
    pool = lstm_session.pool(3)
    used(pool, 3)
    path = tmp_path / "pool.npz"
    pool.save(path)
    good = path.read_bytes()
    small = lstm_session.pool(2)
    with pytest.raises(InputError, match="holds 3 streams, this pool takes 2"):
        small.load(path)
    with pytest.raises(InputError, match="taken from another model"):
        load(recurrent("LSTM", seed=9)).pool(3).load(path)
    later = lstm_session.pool(3)
    cases = {
        "no snapshot": b"nothing",
        "damaged": good[:-40],
        "ids": repacked(good, ids=[0, 0, 1]),
        "does not fit": repacked(good, ids=[0, 1]),
        "is missing": repacked(good, states=["h"]),
        "header": repacked(good, ids=None),
        "snapshot": lstm_session.stream().snapshot().to_bytes(),
    }
    for data in cases.values():
        path.write_bytes(data)
        with pytest.raises(InputError, match="not a snapshot, or are damaged"):
            later.load(path)
    np.savez(path, header=np.array([{}], dtype=object))
    with pytest.raises(InputError, match="not a snapshot"):
        later.load(path)  # a pickle is never opened
    with pytest.raises(InputError, match="no file at"):
        later.load(tmp_path / "none.npz")
    path.write_bytes(good)
    assert later.load(path) == (0, 1, 2)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_hundreds_of_streams_each_at_its_own_pace(lstm_session: Session, seed: int) -> None:
    """Opened, closed, fed and moved between pools at random, each equals its signal run whole."""
    random = np.random.default_rng(seed)
    signals = random.normal(size=(300, 12, 3)).astype(np.float32)
    pools = [lstm_session.pool(200), lstm_session.pool(150)]
    wanted = lstm_session.run(signals)
    assert isinstance(wanted, np.ndarray)
    waiting, done = list(range(len(signals))), 0
    live: dict[tuple[int, int], tuple[int, int]] = {}  # (pool, id) -> (which signal, how much of it was fed)
    while done < len(signals):
        for number, pool in enumerate(pools):
            while waiting and len(pool) < pool.capacity and random.random() < 0.98:
                live[number, pool.open()] = (waiting.pop(), 0)
        for number, pool in enumerate(pools):
            length = int(random.integers(1, 4))
            fed = [
                key for key, (_, at) in live.items()
                if key[0] == number and at + length <= 12 and random.random() < 0.6
            ]  # fmt: skip
            for key in fed:
                which, at = live[key]
                pool.push(key[1], signals[which : which + 1, at : at + length])
            for stream_id, output in pool.step().items():
                which, at = live[number, stream_id]
                np.testing.assert_allclose(output[0], wanted[which, at : at + length], atol=ATOL)
                live[number, stream_id] = (which, at + length)
        for key in [key for key, (_, at) in live.items() if at == 12]:
            pools[key[0]].close(key[1])
            del live[key]
            done += 1
        movable = [key for key in live if key[0] == 0]
        if movable and len(pools[1]) < pools[1].capacity:
            key = movable[int(random.integers(len(movable)))]
            taken = pools[0].snapshot(key[1])
            pools[0].close(key[1])
            there = pools[1].open()
            pools[1].restore(there, taken)
            live[1, there] = live.pop(key)


def test_threads_that_open_feed_and_close(lstm_session: Session) -> None:
    """Eight users at once, each a stream after the other, while one thread steps."""
    pool = lstm_session.pool(8)
    wanted = {seed: lstm_session.run(signal(1, 6, 3, seed=seed)) for seed in range(40)}
    results: dict[int, np.ndarray] = {}
    arrived: dict[int, list[np.ndarray]] = {}
    changed = threading.Condition()
    stop = threading.Event()
    errors: list[BaseException] = []

    def step() -> None:
        while not stop.is_set():
            outputs = pool.step()
            with changed:
                for stream_id, output in outputs.items():
                    arrived.setdefault(stream_id, []).append(np.asarray(output))
                changed.notify_all()

    def use(seeds: range) -> None:
        try:
            for seed in seeds:
                stream_id = pool.open()
                x = signal(1, 6, 3, seed=seed)
                for t in range(6):
                    pool.push(stream_id, x[:, t : t + 1])
                    with changed:
                        assert changed.wait_for(lambda: len(arrived.get(stream_id, ())) > t, timeout=30)  # noqa: B023
                    pool.restore(stream_id, pool.snapshot(stream_id))
                results[seed] = np.concatenate(arrived.pop(stream_id), axis=1)
                pool.close(stream_id)
        except BaseException as error:
            errors.append(error)
            raise

    stepper = threading.Thread(target=step)
    users = [threading.Thread(target=use, args=(range(first, 40, 8),)) for first in range(8)]
    for thread in (stepper, *users):
        thread.start()
    for thread in users:
        thread.join(timeout=60)
    stop.set()
    stepper.join(timeout=10)
    assert errors == []
    assert set(results) == set(wanted)
    for seed, output in results.items():
        np.testing.assert_allclose(output, wanted[seed], atol=ATOL)
    assert len(pool) == 0
