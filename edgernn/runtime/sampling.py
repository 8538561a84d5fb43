"""Writing on: symbol after symbol, each drawn from what a language model gives the next one.

The draw stands beside the graph, not in it: the graph stays a function of its inputs that can be verified,
and an app may draw, search or score as it likes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from edgernn.errors import InputError, ModelError
from edgernn.runtime.arrays import Array
from edgernn.runtime.session import Session


def draw(
    log_probabilities: Array, generator: np.random.Generator, *, temperature: float = 1.0, top_k: int = 0
) -> int:
    """Draw a symbol.

    Args:
        log_probabilities: (symbols,), or scores that differ from them by a constant.
        generator: where the random number comes from.
        temperature: scores are divided by it: below 1 likely symbols become likelier; 0 takes the likeliest.
        top_k: how many of the likeliest symbols may be drawn; 0: all.
    """
    if temperature == 0:
        return int(log_probabilities.argmax())
    scores = log_probabilities.astype(np.float64) / temperature
    if 0 < top_k < len(scores):
        # Of equal scores at the border all stay: which of them are "the first" would be chance.
        scores = np.where(scores >= np.partition(scores, -top_k)[-top_k], scores, -np.inf)
    weights = np.exp(scores - scores.max()).cumsum()
    return int(np.searchsorted(weights, generator.random() * weights[-1], side="right"))


def write_on(
    session: Session,
    start: Sequence[int],
    length: int,
    *,
    temperature: float = 1.0,
    top_k: int = 0,
    seed: int | None = None,
) -> Iterator[int]:
    """Symbols that a streaming language model writes behind a start, each as soon as it is drawn.

    Args:
        session: of a file that takes numbers of symbols, (1, time), and gives (1, time, symbols).
        start: numbers of the symbols that it goes on from, one or more.
        length: how many it writes.
        temperature, top_k: see `draw`.
        seed: of the draws, so that the same text is written again; None: another one each time.

    Raises:
        InputError: a value out of range.
        ModelError: a file of another kind.
    """
    symbols = language_symbols(session, "write on")
    if not len(start):
        raise InputError("start: a language model goes on from one symbol or more; found none.")
    if min(start) < 0 or max(start) >= symbols:
        raise InputError(
            f"start: symbols are numbers from 0 to {symbols - 1}, found {min(start)} to {max(start)}."
        )
    if not isinstance(length, int) or isinstance(length, bool) or length < 0:
        raise InputError(f"length: must be a whole number from 0, found {length!r}.")
    if not 0 <= temperature < float("inf"):
        raise InputError(f"temperature: must be a number from 0, found {temperature!r}.")
    if not isinstance(top_k, int) or isinstance(top_k, bool) or top_k < 0:
        raise InputError(f"top_k: must be a whole number from 0 (all), found {top_k!r}.")
    return _write_on(session, start, length, temperature, top_k, np.random.default_rng(seed))


def _write_on(
    session: Session,
    start: Sequence[int],
    length: int,
    temperature: float,
    top_k: int,
    generator: np.random.Generator,
) -> Iterator[int]:
    stream, dtype = session.stream(), session.inputs[0].dtype
    *before, last = [list(start)] if session.manifest.chunk is None else [[symbol] for symbol in start]
    for symbols in before:
        stream.push(np.array([symbols], dtype))
    for _ in range(length):
        scores = stream.push(np.array([last], dtype))
        assert isinstance(scores, np.ndarray)
        last = [draw(scores[0, -1], generator, temperature=temperature, top_k=top_k)]
        yield last[0]


def language_symbols(session: Session, purpose: str) -> int:
    """Size of the vocabulary; raises ModelError where the file is not a streaming language model.

    `purpose` says in the message what it is wanted for.
    """
    size = len(session.manifest.vocabulary)
    fits = (
        session.manifest.streaming
        and session.manifest.chunk in (None, 1)
        and session.manifest.hop == 1
        and len(session.inputs) == len(session.outputs) == 1
        and len(session.inputs[0].dims) == 2
        and np.dtype(session.inputs[0].dtype).kind == "i"
        and session.outputs[0].dims[-1] == size
        and not session.outputs[0].delay
    )
    if not fits:
        raise ModelError(
            f"{str(session.path)!r}: to {purpose}, a file must take symbols one by one and score the next of "
            "its vocabulary. Export a run of the recipe text-generate with --streaming."
        )
    return size
