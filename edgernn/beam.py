"""Beam search: the likeliest sequence that a decoder writes, symbol by symbol; plain numpy.

The decoder is anything that advances states by symbols: a torch module in training, a file on a device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError

FloatArray = npt.NDArray[Any]
StateT = TypeVar("StateT")

# Takes the state, which of its rows go on, (rows,), and a symbol for each, (rows,). Gives the logarithms of
# the next symbol's probabilities, (rows, symbols), and the state with these rows.
Advance = Callable[[StateT, FloatArray, FloatArray], tuple[FloatArray, StateT]]


@dataclass(frozen=True)
class Hypothesis:
    """A sequence that was written.

    Attributes:
        symbols: numbers of the symbols, without start and end.
        log_probability: natural logarithm of its probability, the end's included where it has one.
        score: what hypotheses are ranked by: log_probability ÷ the length's penalty.
        finished: whether it ended by itself; otherwise it was cut at the longest length.
    """

    symbols: tuple[int, ...]
    log_probability: float
    score: float
    finished: bool


@dataclass(frozen=True)
class BeamSearch(Generic[StateT]):
    """Settings of a search.

    Args:
        start, end: numbers of the symbols in front of a sequence and behind it.
        beam: sequences that are followed side by side; 1 takes the likeliest symbol each time.
        length_penalty: α of ((5 + length) ÷ 6)^α, by which log-probabilities are divided: 0 prefers short
            sequences, 1 nearly the mean of their symbols (Wu et al. 2016, "Google's Neural Machine
            Translation System", section 7). The length counts the end.
        longest: most symbols of a sequence.

    Raises:
        InputError: where a value is out of range.
    """

    start: int
    end: int
    beam: int = 5
    length_penalty: float = 1.0
    longest: int = 100

    def __post_init__(self) -> None:
        for name, least in (("start", 0), ("end", 0), ("beam", 1), ("longest", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise InputError(f"{name}: must be a whole number from {least}, found {value!r}.")
        if not 0 <= self.length_penalty < float("inf"):
            raise InputError(f"length_penalty: must be a number from 0, found {self.length_penalty!r}.")

    def search(self, state: StateT, advance: Advance[StateT]) -> list[Hypothesis]:
        """The best sequences, best first; at most `beam`, at least one.

        Args:
            state: the decoder's at first, of one row.
            advance: see above.
        """
        alive = [Hypothesis((), 0.0, 0.0, False)]
        rows, symbols = np.zeros(1, np.int64), np.array([self.start], np.int64)
        finished: list[Hypothesis] = []
        for step in range(1, self.longest + 1):
            log_probabilities, state = advance(state, rows, symbols)
            known = np.array([item.log_probability for item in alive])
            total = known[:, None] + log_probabilities.astype(np.float64)
            if not np.isfinite(total).any():
                raise InputError("the decoder gave no probability to any symbol: it holds NaN or infinity.")
            going: list[Hypothesis] = []
            rows_next: list[int] = []
            # As many ends may be among the best as there are sequences: as many more must go on.
            for flat in _best(total, self.beam + len(alive)):
                row, symbol = divmod(int(flat), total.shape[1])
                probability = float(total[row, symbol])
                if symbol == self.end:
                    if len(going) < self.beam:
                        finished.append(self._hypothesis(alive[row].symbols, probability, step, True))
                elif len(going) < self.beam:
                    going.append(self._hypothesis((*alive[row].symbols, symbol), probability, step, False))
                    rows_next.append(row)
            finished = sorted(finished, key=_rank)[: self.beam]
            alive = going
            if not alive or self._cannot_improve(finished, alive):
                break
            rows = np.array(rows_next, np.int64)
            symbols = np.array([item.symbols[-1] for item in alive], np.int64)
        return finished or sorted(alive, key=_rank)[: self.beam]

    def _hypothesis(
        self, symbols: tuple[int, ...], log_probability: float, length: int, finished: bool
    ) -> Hypothesis:
        return Hypothesis(symbols, log_probability, log_probability / self._penalty(length), finished)

    def _penalty(self, length: int) -> float:
        return float(((5 + length) / 6) ** self.length_penalty)

    def _cannot_improve(self, finished: list[Hypothesis], alive: list[Hypothesis]) -> bool:
        """Whether no sequence that goes on can become better than the worst of those that are kept.

        Its probability only falls; the largest penalty, that of the longest length, flatters it most.
        """
        if len(finished) < self.beam:
            return False
        hope = max(item.log_probability for item in alive) / self._penalty(self.longest)
        return hope <= finished[-1].score


def _best(values: FloatArray, count: int) -> FloatArray:
    """Places of the largest values, largest first, the earlier one of equals; places of −∞ are left out."""
    flat = values.reshape(-1)
    count = min(count, flat.size)
    places = np.argpartition(-flat, count - 1)[:count] if count < flat.size else np.arange(flat.size)
    places = places[np.isfinite(flat[places])]
    return places[np.lexsort((places, -flat[places]))]


def _rank(item: Hypothesis) -> tuple[float, tuple[int, ...]]:
    return -item.score, item.symbols
