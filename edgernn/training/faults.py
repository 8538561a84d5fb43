"""Faults of sensors, put into a series on purpose and labelled, so that a detector can be scored."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from edgernn.errors import InputError


@dataclass(frozen=True)
class Fault:
    """A fault: steps `start` to `start + steps` − 1 of one channel (None: it is not known which)."""

    kind: str
    channel: int | None
    start: int
    steps: int

    @property
    def span(self) -> slice:
        """The steps that it lasts."""
        return slice(self.start, self.start + self.steps)


def _sign(draw: random.Random) -> float:
    return draw.choice((-1.0, 1.0))


def _spike(values: Tensor, size: float, draw: random.Random) -> Tensor:
    return values + _sign(draw) * size


def _drift(values: Tensor, size: float, draw: random.Random) -> Tensor:
    return values + _sign(draw) * size * torch.linspace(1 / len(values), 1, len(values))


def _stuck(values: Tensor, size: float, draw: random.Random) -> Tensor:
    return values[:1].expand(len(values))


def _dropout(values: Tensor, size: float, draw: random.Random) -> Tensor:
    return torch.zeros_like(values)


def _noise(values: Tensor, size: float, draw: random.Random) -> Tensor:
    return values + size / 2 * torch.tensor([draw.gauss(0, 1) for _ in range(len(values))])


# Each: the values of one channel as they came, how large the fault is in their unit, random numbers → the
# values with the fault. A spike moves one value by the size, a drift ends there, a stuck sensor repeats its
# value, a dropout reads zero, a burst of noise has half the size as its standard deviation.
KINDS: dict[str, Callable[[Tensor, float, random.Random], Tensor]] = {
    "spike": _spike,
    "drift": _drift,
    "stuck": _stuck,
    "dropout": _dropout,
    "noise": _noise,
}


def inject(
    values: Tensor,
    scale: Tensor,
    *,
    kinds: Sequence[str] = tuple(KINDS),
    each: int = 10,
    steps: int = 24,
    size: float = 2.0,
    first: int = 0,
    gap: int = 0,
    seed: int = 0,
) -> tuple[Tensor, list[Fault]]:
    """Put faults into a series, one after the other, at places, channels and signs drawn from `seed`.

    Args:
        values: (time, features).
        scale: (features,), standard deviation of each channel.
        kinds: of `KINDS`.
        each: faults of each kind.
        steps: how long a fault lasts; a spike lasts one step.
        size: of a fault, in standard deviations of its channel.
        first: the first time step that may be faulty.
        gap: steps without a fault after each.
        seed: of the random numbers.

    Returns:
        The series with the faults, and the faults in order.

    Raises:
        InputError: a kind is unknown, or the series is too short for so many faults.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise InputError(f"option fault_kinds: {kind!r} is none of {', '.join(KINDS)}.")
    count = each * len(kinds)
    slot = (len(values) - first) // max(1, count)
    if slot < steps + gap + 1:
        raise InputError(
            f"data: {len(values) - first} time steps of the test part hold no {count} faults of {steps} "
            f"steps with {gap} steps after each. Give a longer series, or fewer or shorter faults "
            "(fault_count, fault_steps)."
        )
    draw = random.Random(seed)
    order = [kind for kind in kinds for _ in range(each)]
    draw.shuffle(order)
    faulty, faults = values.clone(), []
    for index, kind in enumerate(order):
        length = 1 if kind == "spike" else steps
        start = first + index * slot + draw.randrange(slot - length - gap)
        fault = Fault(kind, draw.randrange(values.shape[1]), start, length)
        channel = faulty[fault.span, fault.channel]
        faulty[fault.span, fault.channel] = KINDS[kind](channel, size * float(scale[fault.channel]), draw)
        faults.append(fault)
    return faulty, faults


def labelled_faults(labels: Sequence[str]) -> list[Fault]:
    """The faults that labels tell of: consecutive steps of one label are one; an empty label is none."""
    faults: list[Fault] = []
    for step, label in enumerate(labels):
        if not label:
            continue
        last = faults[-1] if faults else None
        if last is not None and last.kind == label and last.start + last.steps == step:
            faults[-1] = Fault(label, None, last.start, last.steps + 1)
        else:
            faults.append(Fault(label, None, step, 1))
    return faults
