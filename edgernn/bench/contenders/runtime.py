"""edgernn's own runtime: `Stream.push`, `Session.run`, `StreamPool`."""

from __future__ import annotations

from typing import Any

from edgernn.bench.contenders.base import EDGERNN, Array, Contender, as_list, nothing
from edgernn.runtime import Session


def runtime_contender(session: Session, batch: int, name: str = EDGERNN) -> Contender:
    """`Stream.push` of a streaming file, `Session.run` of a sequence file."""
    size = session.path.stat().st_size
    exact = session.manifest.scheme == "float32"
    if session.manifest.streaming:
        stream = session.stream(batch)
        return Contender(
            name, f"Stream.push of {session.path.name}", stream.push, as_list, stream.reset, exact,
            file_bytes=size,
        )  # fmt: skip
    return Contender(
        name, f"Session.run of {session.path.name}", session.run, as_list, nothing, exact, file_bytes=size
    )


def pool_contender(session: Session, streams: int, name: str = EDGERNN) -> Contender:
    """`StreamPool` with a chunk for each of `streams` streams in every step; each gets the same chunk."""
    pool = session.pool(streams)
    ids = [pool.open() for _ in range(streams)]

    def call(*inputs: Array) -> Any:
        for stream_id in ids:
            pool.push(stream_id, *inputs)
        return pool.step()

    def reset() -> None:
        for stream_id in ids:
            pool.reset(stream_id)

    return Contender(
        name,
        f"StreamPool of {streams} streams of {session.path.name}, per stream",
        call,
        lambda results: as_list(results[ids[-1]]),
        reset,
        session.manifest.scheme == "float32",
        streams=streams,
        file_bytes=session.path.stat().st_size,
    )
