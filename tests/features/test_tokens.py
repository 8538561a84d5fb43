"""Words and bytes of sentences as numbers."""

from __future__ import annotations

import pytest

from edgernn.errors import InputError
from edgernn.features.tokens import TokenNumbers, token_vocabulary, tokens


def test_a_token_says_where_it_stands() -> None:
    text = "  Zoë's “boat”, 3.5%"
    found = tokens(text)
    assert [token.text for token in found] == ["Zoë's", "“", "boat", "”", ",", "3", ".", "5", "%"]
    assert all(text[token.start : token.end] == token.text for token in found)


def test_the_vocabulary_knows_words_however_they_are_written() -> None:
    vocabulary = token_vocabulary([["The", "the", "1984"], ["THE", "2001", "end"]], minimum_count=2)
    assert vocabulary == ("<end>", "<other>", "the", "0000")
    assert token_vocabulary([["a", "b", "a"]], size=3) == ("<end>", "<other>", "a")
    numbers = TokenNumbers(vocabulary, bytes_a_word=4)
    assert numbers.words(["tHe", "1789", "end", "the"]) == [2, 3, 1, 2]


def test_bytes_keep_how_words_are_written() -> None:
    numbers = TokenNumbers(("<end>", "<other>"), bytes_a_word=5)
    # Of long words the beginning and the end.
    assert numbers.characters(["Ab", "é", "abcdefg"]) == [
        [66, 99, 0, 0, 0],
        [196, 170, 0, 0, 0],
        [98, 99, 100, 103, 104],
    ]


def test_a_vocabulary_of_something_else_is_refused() -> None:
    with pytest.raises(InputError, match="one of words begins with '<end>', '<other>'"):
        TokenNumbers(("<end>", "<0x00>"), bytes_a_word=5)
