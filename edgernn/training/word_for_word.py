"""Word for word: the plain translation that a network stands beside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from edgernn.features.tokens import tokens
from edgernn.training.parallel_texts import Pair


class WordForWord:
    """A dictionary of the words that stand in the same pairs of texts most of all.

    Each word of the source becomes the word of the target with the largest Dice coefficient, 2 · (pairs with
    both) ÷ (pairs with the one + pairs with the other) (Dice 1945). A word that no pair holds stays.

    Args:
        pairs: the training part.
    """

    def __init__(self, pairs: Sequence[Pair]) -> None:
        sources: Counter[str] = Counter()
        targets: Counter[str] = Counter()
        both: dict[str, Counter[str]] = {}
        for pair in pairs:
            read, written = _words(pair.source), set(_words(pair.target))
            targets.update(written)
            for word in set(read):
                sources[word] += 1
                both.setdefault(word, Counter()).update(written)
        self.dictionary = {
            word: max(
                sorted(found),
                key=lambda other: 2 * found[other] / (sources[word] + targets[other]),
            )
            for word, found in both.items()
        }

    def translate(self, text: str) -> str:
        """A word for each word, in their order."""
        return " ".join(self.dictionary.get(word, word) for word in _words(text))


def _words(text: str) -> list[str]:
    return [token.text for token in tokens(text)]
