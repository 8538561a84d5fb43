"""From the values that a tensor takes to the range that its bits cover."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import onnx_ir as ir

BINS = 2048
LEVELS = 256


@dataclass
class Seen:
    """The values of a group of tensors, as extremes and then as a histogram between them.

    Attributes:
        low, high: the extremes.
        counts: (BINS,) how many values lie in each equal part between them.
    """

    low: float = np.inf
    high: float = -np.inf
    counts: np.ndarray = field(default_factory=lambda: np.zeros(BINS, np.int64))

    def widen(self, values: np.ndarray) -> None:
        """Take the extremes of more values."""
        if values.size:
            self.low = min(self.low, float(values.min()))
            self.high = max(self.high, float(values.max()))

    def count(self, values: np.ndarray) -> None:
        """Count values, after all extremes are known."""
        if self.high > self.low:
            self.counts += np.histogram(values, BINS, (self.low, self.high))[0]

    @property
    def edges(self) -> np.ndarray:
        """(BINS + 1,) where the parts of the histogram begin and end."""
        return np.linspace(self.low, self.high, BINS + 1)


def min_max(seen: Seen, percentile: float) -> tuple[float, float]:
    """Everything that was seen."""
    return seen.low, seen.high


def percentile(seen: Seen, percentile: float) -> tuple[float, float]:
    """The middle `percentile` % of the values; the rest, half on either side, is clipped."""
    if not seen.counts.any():
        return seen.low, seen.high  # all values are one
    share = np.cumsum(seen.counts) / seen.counts.sum()
    cut = (1 - percentile / 100) / 2
    first = int(np.searchsorted(share, cut, side="right"))
    last = int(np.searchsorted(share, 1 - cut))
    edges = seen.edges
    return float(edges[min(first, BINS - 1)]), float(edges[min(last, BINS - 1) + 1])


def entropy(seen: Seen, percentile: float) -> tuple[float, float]:
    """The range around zero whose rounded values tell most of the original ones.

    Of thresholds t the one with the least Kullback-Leibler divergence of the distribution of |x|, clipped at
    t, from the same rounded to 128 levels: Migacz (2017), "8-bit inference with TensorRT".
    """
    if not seen.counts.any():
        return seen.low, seen.high  # all values are one
    edges = seen.edges
    middles = np.abs((edges[1:] + edges[:-1]) / 2)
    largest = max(abs(seen.low), abs(seen.high))
    counts, bounds = np.histogram(middles, BINS, (0.0, largest), weights=seen.counts.astype(np.float64))
    half = LEVELS // 2
    thresholds = np.arange(half, BINS + 1, half // 8)
    divergences = [_divergence(counts, int(bins), half) for bins in thresholds]
    best = float(bounds[thresholds[int(np.argmin(divergences))]])
    return max(seen.low, -best), min(seen.high, best)


def _divergence(counts: np.ndarray, bins: int, levels: int) -> float:
    """Of the first `bins` counts, those beyond added to the last, from their mean in `levels` parts."""
    inside = counts[:bins]
    clipped = inside.copy()
    clipped[-1] += counts[bins:].sum()
    starts = np.arange(levels) * bins // levels
    sums, taken = np.add.reduceat(inside, starts), np.add.reduceat((clipped > 0).astype(np.float64), starts)
    mean = np.repeat(sums / np.maximum(taken, 1), np.diff([*starts, bins]))
    rounded = np.where(clipped > 0, mean, 0.0)
    # Both are shares of all values: scaled to one each, a part that holds next to nothing would look the same
    # rounded. A value that no level stands for costs as if one in a million stood there.
    p, q = clipped / clipped.sum(), rounded / clipped.sum()
    told = p > 0
    return float(np.sum(p[told] * np.log(p[told] / np.maximum(q[told], 1e-6))))


METHODS: dict[str, Callable[[Seen, float], tuple[float, float]]] = {
    "min-max": min_max,
    "percentile": percentile,
    "entropy": entropy,
}


def widen(low: float, high: float, margin: float, bound: tuple[float, float] | None) -> tuple[float, float]:
    """A range `margin` times as wide, as much more on either side, within what can be at all."""
    more = (high - low) * (margin - 1) / 2
    least, most = (-np.inf, np.inf) if bound is None else bound
    return min(low, max(low - more, least)), max(high, min(high + more, most))


def input_ranges(path: str | os.PathLike[str]) -> dict[str, tuple[float, float]]:
    """From a quantized file, the least and the largest number that each of its inputs may be."""
    graph = ir.load(path).graph
    found = {}
    for node in graph:
        source = node.inputs[0] if node.op_type == "QuantizeLinear" else None
        if source is not None and source in graph.inputs:
            scale, zero = (_number(value) for value in node.inputs[1:3])
            most = np.iinfo(zero.dtype).max
            found[str(source.name)] = (
                float((0.0 - zero) * scale),
                float((most - zero.astype(np.float64)) * scale),
            )
    return found


def _number(value: ir.Value | None) -> np.ndarray:
    assert value is not None
    assert value.const_value is not None
    return value.const_value.numpy()


def scale_and_zero(low: float, high: float, bits: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Scale (float32) and zero point with which unsigned numbers cover low..high; zero is exact."""
    low, high = min(low, 0.0), max(high, 0.0)
    most = 2**bits - 1
    # Where there is nothing but zeros, or next to nothing, any scale will do.
    scale = max(np.float32((high - low) / most), np.finfo(np.float32).tiny)
    zero = np.clip(np.rint(-low / scale), 0, most)
    return np.array(scale, np.float32), np.array(zero, f"uint{bits}")
