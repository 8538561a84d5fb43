"""CTCDecoder: from the probabilities of a CTC network, step by step, to text; greedy or by prefix beams.

Source: Graves et al. (2006), "Connectionist temporal classification"; for beams Hannun et al. (2014),
"First-pass large vocabulary continuous speech recognition using bi-directional recurrent DNNs".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from edgernn.errors import InputError

Prefix = tuple[int, ...]
# Of texts so far, as numbers of symbols: the logarithms of the probabilities of what comes next, (texts,
# symbols); in the blank's place, that the text ends there.
LanguageModel = Callable[[Sequence[Prefix]], npt.NDArray[Any]]

_NEVER = -math.inf


class CTCDecoder:
    """Text from log-probabilities (steps, symbols), in chunks of any length.

    A network says a symbol or the blank at every step; what it says is read by leaving repetitions out and
    then the blanks. Greedy decoding takes the likeliest at every step. A prefix beam keeps the likeliest
    texts, each with the sum over all ways to say it.

    What `push` returns is stable: it is a prefix of all that comes later, and what `finish` returns does not
    depend on how the steps were cut into chunks.

    Args:
        symbols: by index; the blank is one of them.
        blank: index of the blank.
        separator: what stands between two symbols of a text; None: a space where symbols are words.
        beam: texts that are kept; 1: greedy.
        language_model: of a beam: called with texts as tuples of symbols' numbers, it gives the
            log-probabilities of the next symbol, (texts, symbols), and in the blank's place that of the
            text's end. `edgernn.runtime.LanguageScorer` is one, of a file of the recipe text-generate.
        language_weight: the power to which the language model's probabilities are taken.
        bonus: added to the logarithm for every symbol, against the language model's taste for short texts.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> steps = np.log([[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
        >>> CTCDecoder(["<blank>", "a", "b"]).decode(steps)
        'aa'
    """

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        blank: int = 0,
        separator: str | None = None,
        beam: int = 1,
        language_model: LanguageModel | None = None,
        language_weight: float = 1.0,
        bonus: float = 0.0,
    ) -> None:
        self.symbols = tuple(symbols)
        if len(self.symbols) < 2:
            raise InputError(f"CTCDecoder: symbols must be 2 or more, found {len(self.symbols)}.")
        if not isinstance(blank, int) or not 0 <= blank < len(self.symbols):
            raise InputError(
                f"CTCDecoder: blank must be the index of a symbol, 0 to {len(self.symbols) - 1}, found "
                f"{blank!r}."
            )
        if not isinstance(beam, int) or isinstance(beam, bool) or beam < 1:
            raise InputError(f"CTCDecoder: beam must be an integer ≥ 1, found {beam!r}.")
        if language_model is not None and beam == 1:
            raise InputError("CTCDecoder: greedy decoding asks no language model; give a beam of 2 or more.")
        for name, value in (("language_weight", language_weight), ("bonus", bonus)):
            if not math.isfinite(value):
                raise InputError(f"CTCDecoder: {name} must be a number, found {value!r}.")
        self.separator = separator_of(self.symbols, blank) if separator is None else separator
        self.blank, self.beam = blank, beam
        self.language_model, self.language_weight, self.bonus = language_model, language_weight, bonus
        self.reset()

    def reset(self) -> None:
        """Begin another text."""
        self._last = self.blank
        self._said: list[int] = []
        # Prefix → logarithms of the probabilities of its ways that end with a blank and with its last symbol.
        self._beams: dict[Prefix, tuple[float, float]] = {(): (0.0, _NEVER)}

    def decode(self, log_probabilities: npt.ArrayLike) -> str:
        """The text of a whole recording, (steps, symbols)."""
        self.reset()
        self.push(log_probabilities)
        return self.finish()

    def push(self, log_probabilities: npt.ArrayLike) -> str:
        """Read some more steps, (steps, symbols).

        Returns:
            What is certain of the text by now.

        Raises:
            InputError: where the shape does not fit, or a value is NaN.
        """
        steps = np.asarray(log_probabilities, dtype=np.float64)
        if steps.ndim != 2 or steps.shape[1] != len(self.symbols):
            raise InputError(
                f"push: log_probabilities must be (steps, {len(self.symbols)}), found shape {steps.shape}."
            )
        if np.isnan(steps).any():
            raise InputError("push: log_probabilities hold NaN.")
        for step in steps:
            if self.beam == 1:
                self._greedy(int(step.argmax()))
            else:
                self._extend(step)
        return self._text(self._said if self.beam == 1 else self._common())

    def finish(self) -> str:
        """The whole text; the decoder then begins another one."""
        if self.beam == 1:
            found = tuple(self._said)
        else:
            ends = {prefix: row[self.blank] for prefix, row in self._language().items()}
            found = max(self._beams, key=lambda prefix: (self._score(prefix) + ends[prefix], prefix))
        text = self._text(found)
        self.reset()
        return text

    def _greedy(self, symbol: int) -> None:
        if symbol not in (self.blank, self._last):
            self._said.append(symbol)
        self._last = symbol

    def _extend(self, step: npt.NDArray[np.float64]) -> None:
        grown: dict[Prefix, tuple[float, float]] = {}

        def add(prefix: Prefix, blank: float, symbol: float) -> None:
            before = grown.get(prefix, (_NEVER, _NEVER))
            grown[prefix] = _add(before[0], blank), _add(before[1], symbol)

        rows = self._language()
        for prefix, (blank, symbol) in self._beams.items():
            either = _add(blank, symbol)
            add(prefix, either + step[self.blank], _NEVER)
            language = rows[prefix]
            for number in range(len(self.symbols)):
                if number == self.blank or step[number] == _NEVER:
                    continue
                longer = (*prefix, number)
                said = step[number] + language[number]
                if prefix and number == prefix[-1]:
                    # Said again at once it is the same symbol; after a blank it is another one.
                    add(prefix, _NEVER, symbol + step[number])
                    add(longer, _NEVER, blank + said)
                else:
                    add(longer, _NEVER, either + said)
        totals = {prefix: _add(*ways) for prefix, ways in grown.items()}
        possible = [prefix for prefix, total in totals.items() if total > _NEVER]
        possible.sort(key=lambda prefix: (-totals[prefix], prefix))
        # Where a step is impossible altogether, what was read before it stands.
        self._beams = {prefix: grown[prefix] for prefix in possible[: self.beam]} or self._beams

    def _language(self) -> dict[Prefix, npt.NDArray[np.float64]]:
        """What each text of the beam gains by the symbol that comes next, or by its end."""
        prefixes = list(self._beams)
        added = np.full((len(prefixes), len(self.symbols)), float(self.bonus))
        added[:, self.blank] = 0.0
        if self.language_model is not None and self.language_weight:
            given = np.asarray(self.language_model(prefixes), dtype=np.float64)
            if given.shape != added.shape:
                raise InputError(
                    f"CTCDecoder: language_model must give (texts, symbols), {added.shape}, found shape "
                    f"{given.shape}."
                )
            added += self.language_weight * given
        return dict(zip(prefixes, added, strict=True))

    def _score(self, prefix: Prefix) -> float:
        return _add(*self._beams[prefix])

    def _common(self) -> Prefix:
        """What all beams begin with: no later text can begin otherwise."""
        first, last = min(self._beams), max(self._beams)
        count = 0
        while count < min(len(first), len(last)) and first[count] == last[count]:
            count += 1
        return first[:count]

    def _text(self, numbers: Sequence[int]) -> str:
        return self.separator.join(self.symbols[number] for number in numbers)


def separator_of(symbols: Sequence[str], blank: int = 0) -> str:
    """What stands between two symbols of a text: a space where symbols are words, else nothing."""
    return " " if any(len(symbol) > 1 for n, symbol in enumerate(symbols) if n != blank) else ""


def _add(a: float, b: float) -> float:
    """log(eᵃ + eᵇ)."""
    if a < b:
        a, b = b, a
    return a if b == _NEVER else a + math.log1p(math.exp(b - a))
