"""Checks of a streaming graph: any chunks, any starting states, reset, threads, states that move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from edgernn.runtime import Session, Stream
from edgernn.runtime.snapshot import Snapshot
from edgernn.verify.inputs import InputMaker
from edgernn.verify.oracle import Oracle, States
from edgernn.verify.precision import computed_in
from edgernn.verify.report import Check, compare
from edgernn.verify.tolerances import tolerance as allowed

CHUNKS = (1, 3, 8)
RANDOM_SCHEDULES = 3
STEPS = 24
BATCHES = (1, 2)


def check_stream(
    session: Session,
    other_threads: Session,
    oracles: list[Oracle],
    maker: InputMaker,
    tolerance: float,
    self_tolerance: float,
    scales: list[float],
) -> Iterator[Check]:
    """Compare streams of every schedule with the oracles' run of the whole sequence."""
    for batch in BATCHES if any("batch" in spec.dims for spec in session.inputs) else (1,):
        for label, schedule in schedules(session, maker.random):
            inputs = maker.inputs(batch, sum(schedule))
            detail = f"batch {batch}, chunks {label}"
            pushes, finals = run_stream(session.stream(batch), inputs, schedule)
            for oracle in oracles:
                expected = expected_outputs(oracle, session, inputs, schedule, None)
                yield compare(
                    f"stream = {oracle.name}",
                    detail,
                    expected,
                    pushes,
                    tolerance,
                    scales,
                    count_integers=True,
                )
                if oracle.takes_states is None:
                    oracle.run(inputs)
                    yield _compare_states(oracle, detail, finals, session)
        other, _ = run_stream(other_threads.stream(batch), inputs, schedule)
        yield compare(
            "1 thread = 2 threads", detail, pushes, other, self_tolerance, scales, count_integers=True
        )
        schedule = schedules(session, maker.random)[0][1]
        yield from _from_other_states(session, oracles, maker, batch, schedule, tolerance, scales)
        yield _after_reset(session, maker, batch, schedule, self_tolerance, scales)
        yield _states_move(session, maker, batch, schedule)


def schedules(session: Session, random: np.random.Generator) -> list[tuple[str, list[int]]]:
    """Named lists of chunk lengths, multiples of the file's hop; a fixed chunk has only one."""
    manifest = session.manifest
    # Long enough that most of a stream lies behind the outputs' delay.
    waits = [spec.delay * spec.hop // spec.upsampling for spec in session.outputs]
    steps = STEPS * manifest.hop + max(waits, default=0)
    if manifest.chunk is not None:
        return [(f"of {manifest.chunk}", [manifest.chunk] * max(2, -(-steps // manifest.chunk)))]
    units = -(-steps // manifest.hop)
    found = [(f"of {size * manifest.hop}", [size * manifest.hop] * max(2, units // size)) for size in CHUNKS]
    for _ in range(RANDOM_SCHEDULES):
        schedule: list[int] = []
        while sum(schedule) < units:
            schedule.append(int(random.integers(1, 9)))
        found.append((str(schedule), [size * manifest.hop for size in schedule]))
    return found


def run_stream(
    stream: Stream, inputs: Sequence[np.ndarray], schedule: Sequence[int]
) -> tuple[list[np.ndarray], States]:
    """Push inputs chunk by chunk.

    Returns:
        Outputs with time joined along it, their delay cut off, others stacked by push; and the final states.
    """
    session = stream.session
    pushes: list[list[np.ndarray]] = []
    start = 0
    for size in schedule:
        parts = [
            array if spec.time_dim is None else np.take(array, range(start, start + size), axis=spec.time_dim)
            for spec, array in zip(session.inputs, inputs, strict=True)
        ]
        result = stream.push(*parts)
        pushes.append(list(result.values()) if isinstance(result, dict) else [result])
        start += size
    joined = [
        np.stack(parts)
        if spec.time_dim is None
        else _from(np.concatenate(parts, axis=spec.time_dim), spec.time_dim, spec.delay)
        for spec, parts in zip(session.outputs, zip(*pushes, strict=True), strict=True)
    ]
    return joined, dict(stream.states)


def _from(array: np.ndarray, dim: int, start: int) -> np.ndarray:
    """The array without its first steps along a dimension."""
    return array if start == 0 else np.take(array, range(start, array.shape[dim]), axis=dim)


def expected_outputs(
    oracle: Oracle,
    session: Session,
    inputs: Sequence[np.ndarray],
    schedule: Sequence[int],
    states: States | None,
) -> list[np.ndarray]:
    """What `run_stream` should give, from runs over whole sequences.

    An output that belongs to the last step of the module's input is expected at each step that a stream gives
    it for: after each step, or after each push.
    """
    whole = oracle.run(inputs, states)
    ends = np.cumsum(schedule)
    prefixes: dict[int, list[np.ndarray]] = {int(ends[-1]): whole}

    def after(steps: int) -> list[np.ndarray]:
        if steps not in prefixes:
            parts = [
                array if spec.time_dim is None else np.take(array, range(steps), axis=spec.time_dim)
                for spec, array in zip(session.inputs, inputs, strict=True)
            ]
            prefixes[steps] = oracle.run(parts, states)
        return prefixes[steps]

    expected = []
    for index, spec in enumerate(session.outputs):
        if spec.time_dim is None:
            expected.append(np.stack([after(int(end))[index] for end in ends]))
            continue
        per_step = spec.hop / spec.upsampling
        come = int(ends[-1] / per_step) - spec.delay  # steps that the stream gives
        if whole[index].ndim == len(spec.dims):
            # The last ones of a sequence wait for what comes after its end.
            expected.append(np.take(whole[index], range(come), axis=spec.time_dim))
        else:
            steps = [int((spec.delay + step + 1) * per_step) for step in range(come)]
            expected.append(np.stack([after(step)[index] for step in steps], axis=spec.time_dim))
    return expected


def _of_states(session: Session) -> float:
    """The tolerance of final states."""
    return allowed(computed_in(session), session.manifest.scheme, of_states=True)


def _compare_states(
    oracle: Oracle, detail: str, found: States, session: Session, start: States | None = None
) -> Check:
    """Final states, each held against what it started from or ended at, whichever is larger.

    A state that has faded to almost nothing still carries the rounding of what it was. Of exact files it is
    the largest element, of quantized ones the root mean square: among hundreds of units that no head mixes,
    the worst one says little.
    """
    expected = oracle.final_states()
    in_mean = session.manifest.scheme != "float32"

    def scale(array: np.ndarray) -> float:
        values = array.astype(np.float64)
        return float(np.sqrt(np.square(values).mean()) if in_mean else np.abs(values).max())

    scales = [
        max(scale(array) for array in (expected[name], *([] if start is None else [start[name]])))
        for name in found
    ]
    return compare(
        f"final states = {oracle.name}",
        detail,
        [expected[name] for name in found],
        [found[name] for name in found],
        _of_states(session),
        scales,
        root_mean_square=in_mean,
    )


def _from_other_states(
    session: Session,
    oracles: list[Oracle],
    maker: InputMaker,
    batch: int,
    schedule: list[int],
    tolerance: float,
    scales: list[float],
) -> Iterator[Check]:
    """Streams that start from random states."""
    for oracle in oracles:
        if oracle.takes_states is not None:
            continue
        inputs, states = maker.inputs(batch, sum(schedule)), maker.states(batch)
        stream = session.stream(batch)
        stream.restore(Snapshot(session.digest, batch, states))
        found, finals = run_stream(stream, inputs, schedule)
        expected = expected_outputs(oracle, session, inputs, schedule, states)
        detail = f"batch {batch}, chunks of {schedule[0]}"
        yield compare(
            f"from random states = {oracle.name}",
            detail,
            expected,
            found,
            tolerance,
            scales,
            count_integers=True,
        )
        oracle.run(inputs, states)
        yield _compare_states(oracle, f"{detail}, from random states", finals, session, states)


def _after_reset(
    session: Session,
    maker: InputMaker,
    batch: int,
    schedule: list[int],
    tolerance: float,
    scales: list[float],
) -> Check:
    """A stream that was reset gives what a new one gives."""
    inputs = maker.inputs(batch, sum(schedule))
    stream = session.stream(batch)
    first, _ = run_stream(stream, inputs, schedule)
    stream.reset()
    again, _ = run_stream(stream, inputs, schedule)
    return compare(
        "reset = new stream", f"batch {batch}", first, again, tolerance, scales, count_integers=True
    )


def _states_move(session: Session, maker: InputMaker, batch: int, schedule: list[int]) -> Check:
    """Every state is another after a few pushes from random states: none was left unconnected."""
    inputs, before = maker.inputs(batch, sum(schedule)), maker.states(batch)
    # A boolean may come out as it went in; not from both of its values.
    other = {name: ~array if array.dtype == bool else array for name, array in before.items()}
    stream = session.stream(batch)
    still = list(before)
    for start in (before, other) if any(array.dtype == bool for array in before.values()) else (before,):
        stream.restore(Snapshot(session.digest, batch, start))
        _, after = run_stream(stream, inputs, schedule)
        still = [name for name in still if np.array_equal(start[name], after[name])]
    detail = f"batch {batch}" + (f": {', '.join(still)} did not" if still else "")
    error = float("inf") if still else 0.0
    return Check("every state moves", detail, error, error, 0.0, not still)
