"""Entities that were seen in training, looked up: what a tagger must beat."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from edgernn.features.tags import Entity


class EntityDictionary:
    """The entities of some sentences by their words in small letters; the kind is their most frequent one.

    Args:
        sentences: words and entities of each.
    """

    def __init__(self, sentences: Iterable[tuple[Sequence[str], Sequence[Entity]]]) -> None:
        kinds: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for words, found in sentences:
            for entity in found:
                kinds[_key(words[entity.start : entity.end])][entity.kind] += 1
        self._kinds = {words: counts.most_common(1)[0][0] for words, counts in kinds.items()}
        self._longest = max(map(len, self._kinds), default=0)

    def find(self, words: Sequence[str]) -> list[Entity]:
        """The entities of a sentence: from the left, each time the longest known one."""
        found: list[Entity] = []
        start = 0
        while start < len(words):
            for end in range(min(len(words), start + self._longest), start, -1):
                kind = self._kinds.get(_key(words[start:end]))
                if kind is not None:
                    found.append(Entity(kind, start, end))
                    start = end
                    break
            else:
                start += 1
        return found


def _key(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word.lower() for word in words)
