"""Writing by hand with a file of the recipe handwriting-generate: text in, pen strokes out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgernn.errors import InputError, ModelError
from edgernn.runtime.session import Session
from edgernn.strokes import Drawing
from edgernn.strokes.following import Foreseen, Step, Written, follow

_INPUTS, _OUTPUTS = ("points", "text", "writer"), ("mixture", "pen", "window")

# In the model's unit, the height of small letters, about: from word to word, and from line to line.
_GAP, _LINE = 0.9, 4.0


class Pen:
    """Writes words and lines.

    Args:
        session: a streaming file of the recipe handwriting-generate.

    Attributes:
        symbols: what it can write.
        writers: whose hands it knows.
        longest: most symbols of a word.

    Raises:
        ModelError: a file of another kind.

    Example:
        >>> pen = Pen(edgernn.load("writer.onnx"))
        >>> drawing = pen.write("hello world", bias=1.0, seed=0)
    """

    def __init__(self, session: Session) -> None:
        inputs, outputs = (tuple(spec.name for spec in specs) for specs in (session.inputs, session.outputs))
        manifest = session.manifest
        longest = session.inputs[1].dims[1] if inputs == _INPUTS else None
        if (
            not isinstance(longest, int)
            or outputs != _OUTPUTS
            or not manifest.streaming
            or manifest.chunk not in (None, 1)
            or len(manifest.vocabulary) < 2
            or not manifest.labels
        ):
            raise ModelError(
                f"{str(session.path)!r}: to write by hand, a file must foresee points one by one. Export a "
                "run of the recipe handwriting-generate with --streaming."
            )
        self.session, self.longest = session, longest
        self.symbols, self.writers = manifest.vocabulary[1:], manifest.labels

    def write(
        self, text: str, *, bias: float = 1.0, writer: str = "", width: int = 40, seed: int | None = None
    ) -> Drawing:
        """Write a text, word by word, in lines.

        Args:
            text: words of known symbols, with white space between them; what was a line stays one.
            bias: 0 draws from what was learned; more prefers what is likely, and so writes neater.
            writer: whose hand, one of `writers`; empty: the first one's, who wrote most.
            width: most symbols of a line; a longer word has a line of its own.
            seed: of the draws, so that the same strokes come again; None: others each time.

        Returns:
            The strokes, y down; the first line lies at y = 0.

        Raises:
            InputError: the text is empty, a word of it too long or of unknown symbols, the writer is not
                known, or bias or width is out of range.
        """
        if not isinstance(width, int) or isinstance(width, bool) or width < 1:
            raise InputError(f"width: must be a whole number of symbols from 1, found {width!r}.")
        lines = [line for part in text.splitlines() for line in _lines(part.split(), width)]
        if not lines:
            raise InputError("text: it is empty, so there is nothing to write.")
        # All of them first: a word that cannot be written is told before the others are.
        for word in (word for line in lines for word in line):
            self.numbers(word)
        generator = np.random.default_rng(seed)
        strokes = []
        for number, line in enumerate(lines):
            left = 0.0
            for word in line:
                written = self._write(word, bias, writer, generator)
                points = np.concatenate(written.strokes)
                # A word's own left end: what was drawn need not begin where the network began.
                shift = np.array([left - points[:, 0].min(), number * _LINE])
                strokes += [stroke + shift for stroke in written.strokes]
                left += float(np.ptp(points[:, 0])) + _GAP
        return Drawing(strokes)

    def write_word(
        self, word: str, *, bias: float = 1.0, writer: str = "", seed: int | None = None
    ) -> Written:
        """Write a single word; the arguments are those of `write`."""
        return self._write(word, bias, writer, np.random.default_rng(seed))

    def numbers(self, word: str) -> list[int]:
        """The numbers of a word's symbols; raises InputError where it is not one that can be written."""
        if not word:
            raise InputError("text: it is empty, so there is nothing to write.")
        unknown = sorted(set(word) - set(self.symbols))
        if unknown:
            raise InputError(
                f"text: {word!r} holds {' '.join(map(repr, unknown))}, which the network has not learned to "
                f"write. It writes {''.join(self.symbols)}."
            )
        if len(word) > self.longest:
            raise InputError(
                f"text: {word!r} has {len(word)} symbols; this network writes words of up to {self.longest}."
            )
        return [self.symbols.index(symbol) + 1 for symbol in word]

    def writer_number(self, writer: str) -> int:
        """The number of a writer by name; raises InputError where there is none of that name."""
        if writer and writer not in self.writers:
            raise InputError(
                f"writer: {writer!r} is none of those whose hands the network learned: "
                f"{', '.join(self.writers)}."
            )
        return self.writers.index(writer) if writer else 0

    def _write(self, word: str, bias: float, writer: str, generator: np.random.Generator) -> Written:
        numbers, who = self.numbers(word), self.writer_number(writer)
        if not 0 <= bias < float("inf"):
            raise InputError(f"bias: must be a number from 0, found {bias!r}.")
        return follow(self._step(numbers, who), len(numbers), generator, bias=bias)

    def _step(self, numbers: Sequence[int], writer: int) -> Step:
        """A fresh stream for a word."""
        stream = self.session.stream()
        points, text, who = self.session.inputs
        fixed = {
            text.name: np.array([[*numbers, *[0] * (self.longest - len(numbers))]], text.dtype),
            who.name: np.array([writer], who.dtype),
        }

        def step(point: np.ndarray) -> Foreseen:
            found = stream.push(point.reshape(1, 1, -1).astype(points.dtype), **fixed)
            assert isinstance(found, dict)
            return Foreseen(*(found[name][0, -1] for name in _OUTPUTS))

        return step


def _lines(words: Sequence[str], width: int) -> list[list[str]]:
    """Words in lines of at most `width` symbols, the spaces between them counted."""
    lines: list[list[str]] = []
    for word in words:
        if lines and len(" ".join([*lines[-1], word])) <= width:
            lines[-1].append(word)
        else:
            lines.append([word])
    return lines
