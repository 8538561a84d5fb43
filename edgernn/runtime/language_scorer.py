"""LanguageScorer: what a language model says of the texts that a prefix beam keeps."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgernn.ctc import Prefix, separator_of
from edgernn.errors import InputError, ModelError
from edgernn.features.characters import Characters
from edgernn.runtime.arrays import Array, initial_state
from edgernn.runtime.sampling import language_symbols
from edgernn.runtime.session import Session

# Texts whose states are kept; of a beam's texts, those before them are asked for again as a rule.
_KEPT = 1024

Ids = tuple[int, ...]


@dataclass(frozen=True)
class _Place:
    """Where the language model is after a text: its states, one row each, and what comes next, (symbols,)."""

    states: list[Array]
    next: npt.NDArray[np.float64]


class LanguageScorer:
    """A streaming language model as the `language_model` of `edgernn.ctc.CTCDecoder`.

    The model reads characters or bytes, of which the recogniser's symbols are spelled; words stand apart by a
    space. A text is read after `boundary`, and ends before the next one, so its probability is that of the
    whole text as a line of those that the model learned from. States are kept for each text of a beam, and
    what is new in all of them runs in one call.

    Where symbols are spelled in several steps (words, or bytes of letters beyond ASCII), every beginning of
    one is a row of that call: good for hundreds of words, too slow for many thousands.

    Args:
        session: of a file of the recipe text-generate that streams, with a free batch.
        symbols: the recogniser's, by index, as its manifest has them.
        blank: index of the blank.
        boundary: what stands between two texts where the model learned them.

    Raises:
        ModelError: the file is no streaming language model with a free batch.
        InputError: the model does not know a character of a symbol, or of the boundary.
    """

    def __init__(
        self, session: Session, symbols: Sequence[str], *, blank: int = 0, boundary: str = "\n"
    ) -> None:
        language_symbols(session, "score texts")
        if any(
            "batch" not in dims
            for dims in [
                *(spec.dims for spec in session.inputs),
                *(state.dims for state in session.manifest.states),
            ]
        ):
            raise ModelError(
                f"{str(session.path)!r}: its batch is fixed, and the texts of a beam are scored in one call. "
                "Export it with a free batch."
            )
        if not boundary:
            raise InputError("LanguageScorer: boundary must be one character or more, found ''.")
        self.session = session
        self._characters = Characters(session.manifest.vocabulary)
        texts = [boundary if n == blank else symbol for n, symbol in enumerate(symbols)]
        self._check_known(texts)
        # Between two symbols that are words stands a space, but not before the first, nor before the end.
        separator = separator_of(symbols, blank)
        later = [text if n == blank else separator + text for n, text in enumerate(texts)]
        self._first, self._later = _Spelling(map(self._ids, texts)), _Spelling(map(self._ids, later))
        self._known: OrderedDict[Prefix, tuple[_Place, npt.NDArray[np.float64]]] = OrderedDict()
        states = [initial_state(state, {"batch": 1}) for state in session.manifest.states]
        self._start = _Place(states, np.zeros(0))
        for number in self._ids(boundary):
            (self._start,) = self._advance([self._start], [number])

    def __call__(self, prefixes: Sequence[Prefix]) -> npt.NDArray[np.float64]:
        """Logarithms of the probabilities of each symbol behind each text; in the blank's place, of its end.

        Args:
            prefixes: texts, as numbers of the recogniser's symbols.

        Returns:
            (texts, symbols).
        """
        needed: set[Prefix] = set()
        for prefix in prefixes:
            # The texts of a beam grow by a symbol: what is before it is known, or is read first.
            while prefix not in self._known and prefix not in needed:
                needed.add(prefix)
                prefix = prefix[:-1]
        for size in sorted({len(prefix) for prefix in needed}):
            self._learn([prefix for prefix in sorted(needed) if len(prefix) == size])
        rows = [self._known[prefix][1] for prefix in prefixes]
        for prefix in prefixes:
            self._known.move_to_end(prefix)
        while len(self._known) > max(_KEPT, len(prefixes)):
            self._known.popitem(last=False)
        return np.stack(rows) if rows else np.zeros((0, len(self._first.ids)))

    def _learn(self, prefixes: Sequence[Prefix]) -> None:
        """Read texts of one length, of which all but the last symbol is known."""
        if prefixes == [()]:
            places = [self._start]
        else:
            spelling = self._later if len(prefixes[0]) > 1 else self._first
            places = [self._known[prefix[:-1]][0] for prefix in prefixes]
            ids = [spelling.ids[prefix[-1]] for prefix in prefixes]
            for step in range(max(map(len, ids))):
                going = [n for n, item in enumerate(ids) if len(item) > step]
                moved = self._advance([places[n] for n in going], [ids[n][step] for n in going])
                for n, place in zip(going, moved, strict=True):
                    places[n] = place
        spelling = self._later if prefixes[0] else self._first
        for prefix, place, row in zip(prefixes, places, self._rows(places, spelling), strict=True):
            self._known[prefix] = place, row

    def _rows(self, places: Sequence[_Place], spelling: _Spelling) -> list[npt.NDArray[np.float64]]:
        """What each symbol has behind each place: the sum over its characters."""
        reached: list[dict[Ids, _Place]] = [{(): place} for place in places]
        for level in spelling.beginnings:
            moved = self._advance(
                [found[ids[:-1]] for found in reached for ids in level],
                [ids[-1] for _ in reached for ids in level],
            )
            for n, found in enumerate(reached):
                found.update(zip(level, moved[n * len(level) : (n + 1) * len(level)], strict=True))
        return [
            np.array([
                sum(found[ids[:step]].next[number] for step, number in enumerate(ids)) for ids in spelling.ids
            ])
            for found in reached
        ]  # fmt: skip

    def _advance(self, places: Sequence[_Place], numbers: Sequence[int]) -> list[_Place]:
        """One symbol of the model further, each place by its own."""
        specs = self.session.manifest.states
        axes = [spec.dims.index("batch") for spec in specs]
        before = {
            spec.input: np.concatenate([place.states[n] for place in places], axis)
            for n, (spec, axis) in enumerate(zip(specs, axes, strict=True))
        }
        ids = np.array([[number] for number in numbers], self.session.inputs[0].dtype)
        scores, after = self.session.run_with_states(ids, states=before)
        assert isinstance(scores, np.ndarray)
        following = _log_softmax(scores[:, -1].astype(np.float64))
        split = [
            np.split(after[spec.input], len(places), axis) for spec, axis in zip(specs, axes, strict=True)
        ]
        return [_Place([state[n] for state in split], row) for n, row in enumerate(following)]

    def _ids(self, text: str) -> Ids:
        return tuple(self._characters.encode(text))

    def _check_known(self, texts: Sequence[str]) -> None:
        if self._characters.bytes:
            return
        missing = sorted({sign for text in texts for sign in text} - set(self._characters.vocabulary))
        if missing:
            raise InputError(
                f"language model: {str(self.session.path)!r} does not know "
                f"{', '.join(map(repr, missing))}, of which the recogniser's symbols or the boundary are "
                "spelled. Train it on texts that hold them, a text a line, or on bytes (--set symbols=bytes)."
            )


class _Spelling:
    """How symbols are spelled.

    Attributes:
        ids: of each symbol: the numbers of the language model's symbols.
        beginnings: what several of them are spelled by way of, without the empty one, by length.
    """

    def __init__(self, ids: Iterable[Ids]) -> None:
        self.ids = list(ids)
        beginnings = {item[:size] for item in self.ids for size in range(1, len(item))}
        self.beginnings = [
            sorted(item for item in beginnings if len(item) == size)
            for size in sorted({len(item) for item in beginnings})
        ]


def _log_softmax(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Rows of logarithms of probabilities; such rows stay as they are."""
    shifted: npt.NDArray[np.float64] = scores - scores.max(-1, keepdims=True)
    total: npt.NDArray[np.float64] = np.log(np.exp(shifted).sum(-1, keepdims=True))
    return shifted - total
