"""Entities as tags and back, in every scheme, and which tags may follow which."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgernn.features.tags import Entity, allowed_transitions, entities, kinds_of, tag_names, tags_of

KINDS = ("person", "place")


@st.composite
def sentences(draw: st.DrawFn) -> tuple[int, list[Entity]]:
    """A sentence's length, and entities in it that do not overlap."""
    found, place = [], 0
    for gap, length, kind in draw(
        st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from(KINDS)), max_size=5)
    ):
        found.append(Entity(kind, place + gap, place + gap + length))
        place += gap + length
    return place + draw(st.integers(0, 2)), found


@settings(max_examples=60, deadline=None)
@given(sentences(), st.sampled_from(["bio", "bioes"]))
def test_entities_survive_their_tags(sentence: tuple[int, list[Entity]], scheme: str) -> None:
    length, found = sentence
    tags = tags_of(found, length, scheme)
    assert entities(tags) == found
    names = tag_names(KINDS, scheme)
    assert set(tags) <= set(names)
    allowed = allowed_transitions(names)
    places = [len(names), *map(names.index, tags), len(names)]
    assert all(allowed[a][b] for a, b in itertools.pairwise(places))


def test_tags_that_may_not_follow_each_other() -> None:
    names = tag_names(KINDS, "bioes")
    allowed = allowed_transitions(names)

    def may(before: str, after: str) -> bool:
        places = {**{name: n for n, name in enumerate(names)}, "": len(names)}
        return allowed[places[before]][places[after]]

    assert may("B-person", "E-person")
    assert may("E-person", "B-person")
    assert may("", "S-place")
    for before, after in [
        ("O", "I-person"),
        ("B-person", "I-place"),
        ("B-person", "O"),
        ("S-person", "E-person"),
        ("I-place", ""),
        ("", "E-place"),
        ("B-place", "S-place"),
    ]:
        assert not may(before, after), (before, after)
    # Of BIO an entity may end anywhere, and still begins with B.
    bio = allowed_transitions(tag_names(["a"]))
    assert bio == [[True, True, False, True], [True, True, True, True], [True] * 4, [True, True, False, True]]


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        # Entities that are written with I alone end where the kind changes.
        ("I-a I-a O I-a I-b", [("a", 0, 2), ("a", 3, 4), ("b", 4, 5)]),
        # What only begins right behind one of its kind begins with B.
        ("I-a B-a I-a", [("a", 0, 1), ("a", 1, 3)]),
        # Sequences that no scheme has are read all the same.
        ("O E-a I-b E-a", [("a", 1, 2), ("b", 2, 3), ("a", 3, 4)]),
        ("S-a I-a E-a E-a", [("a", 0, 1), ("a", 1, 3), ("a", 3, 4)]),
        ("B-with-dash I-with-dash", [("with-dash", 0, 2)]),
        ("", []),
    ],
)
def test_other_ways_to_write_entities(tags: str, found: list[tuple[str, int, int]]) -> None:
    assert entities(tags.split()) == [Entity(*item) for item in found]


def test_names() -> None:
    assert tag_names(["a", "b"]) == ("O", "B-a", "I-a", "B-b", "I-b")
    assert kinds_of(tag_names(["b", "a"], "bioes")) == ("b", "a")
