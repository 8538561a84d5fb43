"""N-grams with Witten-Bell smoothing: what a language model must beat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def witten_bell(train: Ids, test: Ids, symbols: int, order: int) -> float:
    """Mean surprise of a text under an n-gram model, in nats a symbol.

    With c(h, w) how often w followed the history h in the training part, n(h) how often h was followed, t(h)
    by how many different symbols, and h' without its first symbol,

        P(w | h) = (c(h, w) + t(h) P(w | h')) ÷ (n(h) + t(h)),

    and 1 ÷ symbols below the empty history. Witten & Bell (1991), "The zero-frequency problem", method C,
    interpolated.

    Args:
        train, test: (time,) numbers of symbols.
        symbols: how many there are.
        order: symbols of an n-gram: the history and the one that comes.

    Raises:
        InputError: where histories of that order have no number of 64 bits, or a text has no symbol.
    """
    if order < 1 or symbols**order >= 2**63:
        raise InputError(f"order: n-grams of {order} of {symbols} symbols are too many, or none.")
    if not len(train) or not len(test):
        raise InputError("text: an n-gram model needs a symbol to count and one to score.")
    probability: Floats = np.full(len(test), 1.0 / symbols)
    for length in range(min(order, len(train))):
        grams, counts = np.unique(_grams(train, length + 1, symbols), return_counts=True)
        histories, first = np.unique(grams // symbols, return_index=True)
        followed, different = np.add.reduceat(counts, first), np.diff([*first, len(grams)])
        # The first symbols of the test part have no history of that length.
        wanted, start = _grams(test, length + 1, symbols), length
        n, t = (_lookup(histories, values, wanted // symbols) for values in (followed, different))
        c = _lookup(grams, counts, wanted)
        seen = n > 0
        longer = (c + t * probability[start:]) / np.maximum(n + t, 1)
        probability[start:] = np.where(seen, longer, probability[start:])
    return float(-np.log(probability).mean())


def _grams(ids: Ids, length: int, symbols: int) -> Ids:
    """The numbers of the n-grams, in the order of their ends."""
    found = np.zeros(max(0, len(ids) - length + 1), np.int64)
    for offset in range(length):
        found = found * symbols + ids[offset : offset + len(found)]
    return found


def _lookup(keys: Ids, values: Ids, wanted: Ids) -> Ids:
    """The value of each wanted key; 0 of one that there is not."""
    place = np.searchsorted(keys, wanted).clip(max=len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0)
