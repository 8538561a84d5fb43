"""Words that are none of a spotter's: by how they sound, not by how they are written."""

from __future__ import annotations

import shutil

import pytest

from edgernn.training.spoken_words import make_words
from edgernn.training.voices import PROGRAM, sounds_of

pytestmark = pytest.mark.skipif(shutil.which(PROGRAM) is None, reason="needs espeak-ng (see README.md)")


def test_words_sound_as_they_do_and_not_as_they_are_spelled() -> None:
    write, right, two = sounds_of(["write", "right", "two"])
    assert write == right != two
    # A word with a full stop in it is more than one sentence.
    assert len(sounds_of(["a. b", "two"])) == 2
    assert sounds_of(["a. b", "two"])[1] == two


@pytest.mark.parametrize("count", [1, 10, 500])
def test_no_keyword_is_heard_in_other_words(count: int) -> None:
    keywords = ("right", "won", "know")
    words = make_words(count, 0, keywords)
    assert len(words) == len(set(words)) == count
    assert words == make_words(count, 0, keywords)
    known = sounds_of(keywords)
    assert not [word for word, sounds in zip(words, sounds_of(words), strict=True)
                if any(keyword in sounds for keyword in known)]  # fmt: skip
    if count == 500:
        # They would be among them otherwise.
        assert {"write", "right", "one", "no"} & set(make_words(count, 0, ["zebra"]))
        assert not {"write", "right", "one", "no"} & set(words)
        assert words != make_words(count, 1, keywords)
