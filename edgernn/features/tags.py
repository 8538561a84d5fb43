"""Entities as tags of their words: BIO and BIOES, read and written.

A tag is `O` outside of entities, or a prefix, a dash and the entity's kind: B at its beginning, I inside;
with BIOES also E at its end and S where it is a single word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from edgernn.errors import InputError

Scheme = Literal["bio", "bioes"]
OUTSIDE = "O"
_PREFIXES: dict[Scheme, str] = {"bio": "BI", "bioes": "BIES"}


class Entity(NamedTuple):
    """Some words that name something: of what kind, the first word, and the one behind the last."""

    kind: str
    start: int
    end: int


def split_tag(tag: str) -> tuple[str, str]:
    """Prefix and kind of a tag; both empty for `O`.

    Raises:
        InputError: where it is no tag.
    """
    if tag == OUTSIDE:
        return "", ""
    prefix, _, kind = tag.partition("-")
    if prefix not in ("B", "I", "E", "S") or not kind:
        raise InputError(f"tags: expected O, or B-, I-, E- or S- and a kind, found {tag!r}.")
    return prefix, kind


def entities(tags: Sequence[str]) -> list[Entity]:
    """The entities of a sentence.

    An entity begins at B and S, and wherever the kind changes; so sequences that no training data hold, and
    data that write I alone, have entities too: as CoNLL's `conlleval` reads them.

    Raises:
        InputError: where one is no tag.

    Example:
        >>> entities(["O", "B-place", "I-place", "B-place"])
        [Entity(kind='place', start=1, end=3), Entity(kind='place', start=3, end=4)]
    """
    found: list[Entity] = []
    start, running, closed = 0, "", True
    for place, tag in enumerate([*tags, OUTSIDE]):
        prefix, kind = split_tag(tag)
        begins = bool(kind) and (closed or kind != running or prefix in "BS")
        if running and (begins or not kind):
            found.append(Entity(running, start, place))
            running = ""
        if begins:
            start, running = place, kind
        closed = not kind or prefix in "ES"
    return found


def tags_of(found: Iterable[Entity], words: int, scheme: Scheme = "bio") -> list[str]:
    """The tags of a sentence of `words` words; the reverse of `entities`."""
    tags = [OUTSIDE] * words
    for entity in found:
        inner = [f"I-{entity.kind}"] * (entity.end - entity.start)
        inner[0] = f"B-{entity.kind}"
        if scheme == "bioes":
            inner[-1] = f"E-{entity.kind}" if len(inner) > 1 else f"S-{entity.kind}"
        tags[entity.start : entity.end] = inner
    return tags


def tag_names(kinds: Iterable[str], scheme: Scheme = "bio") -> tuple[str, ...]:
    """Every tag that sentences with these kinds can hold; `O` first."""
    return (OUTSIDE, *(f"{prefix}-{kind}" for kind in kinds for prefix in _PREFIXES[scheme]))


def kinds_of(tags: Iterable[str]) -> tuple[str, ...]:
    """The kinds of entities of some tags, in their order."""
    return tuple(dict.fromkeys(kind for _, kind in map(split_tag, tags) if kind))


def allowed_transitions(tags: Sequence[str]) -> list[list[bool]]:
    """Whether the second tag may follow the first, as `edgernn.models.LinearChainCRF` takes it.

    The last row and column are the edge of a sentence. Tags that hold neither E nor S are BIO.
    """
    closing = any(split_tag(tag)[0] in ("E", "S") for tag in tags)
    # Outside of a sentence is outside of entities.
    places = [*map(split_tag, tags), ("", "")]

    def may_follow(before: tuple[str, str], after: tuple[str, str]) -> bool:
        inside = before[0] in ("B", "I")
        if after[0] in ("I", "E"):
            return inside and before[1] == after[1]
        return not (closing and inside)

    return [[may_follow(before, after) for after in places] for before in places]
