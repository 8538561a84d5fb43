from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgernn.errors import InputError
from edgernn.features.characters import REPLACEMENT, Characters, character_vocabulary
from edgernn.features.symbols import BYTE_VOCABULARY, OTHER


@given(st.text())
def test_numbers_become_the_text_again(text: str) -> None:
    for vocabulary in (BYTE_VOCABULARY, character_vocabulary([text])):
        characters = Characters(vocabulary)
        numbers, decode = characters.encode(text), characters.decoder()
        assert "".join(decode(number) for number in numbers) == text
        assert all(0 < number < len(vocabulary) for number in numbers)


def test_a_vocabulary_is_in_the_order_of_code_points() -> None:
    assert character_vocabulary(["ba\n", "é"]) == (OTHER, "\n", "a", "b", "é")


def test_characters_that_are_not_known_share_a_number() -> None:
    characters = Characters(character_vocabulary(["ab"]))
    assert characters.encode("axb") == [1, 0, 2]
    assert characters.decoder()(0) == REPLACEMENT


def test_bytes_that_are_no_text_are_replaced() -> None:
    decode = Characters(BYTE_VOCABULARY).decoder()
    first, second = (value + 1 for value in "é".encode())
    assert (decode(first), decode(second)) == ("", "é")
    assert (decode(first), decode(ord("a") + 1)) == ("", REPLACEMENT + "a")
    assert (decode(first), decode(0)) == ("", REPLACEMENT)


@pytest.mark.parametrize("vocabulary", [(), ("a", "b"), (OTHER, "ab"), BYTE_VOCABULARY[:-1]])
def test_another_vocabulary_is_refused(vocabulary: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="neither one of bytes nor one of characters"):
        Characters(vocabulary)
