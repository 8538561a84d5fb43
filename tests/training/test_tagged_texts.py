"""Sentences with tagged words: every format read alike, every broken file refused with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgernn.errors import InputError
from edgernn.features.tags import Entity
from edgernn.training.dictionary import EntityDictionary
from edgernn.training.splits import split_at_random
from edgernn.training.tagged_texts import read_tagged

SENTENCES = [
    (["Ada", "left", "Oslo", "Bay"], (Entity("person", 0, 1), Entity("place", 2, 4))),
    (["nobody", "came"], ()),
    (["Zoë", "saw", "Ada"], (Entity("person", 0, 1), Entity("person", 2, 3))),
]
TAGS = {
    "bio": ["B-person O B-place I-place", "O O", "B-person O B-person"],
    "iob1": ["I-person O I-place I-place", "O O", "I-person O I-person"],
    "bioes": ["S-person O B-place E-place", "O O", "S-person O S-person"],
    "bilou": ["U-person O B-place L-place", "O O", "U-person O U-person"],
}


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def columns(tags: list[str], between: str, extra: str = "") -> str:
    sentences = [
        "\n".join(f"{word}{extra}{between}{tag}" for word, tag in zip(words, row.split(), strict=True))
        for (words, _), row in zip(SENTENCES, tags, strict=True)
    ]
    return "\n\n".join(sentences) + "\n"


def test_every_format_reads_alike(tmp_path: Path) -> None:
    files = [write(tmp_path / f"{name}.txt", columns(tags, " ")) for name, tags in TAGS.items()]
    bio = TAGS["bio"]
    files += [
        write(tmp_path / "tabs.conll", columns(bio, "\t").replace("\n", "\r\n")),
        write(tmp_path / "four.conll", "-DOCSTART- -X- O O\n\n" + columns(bio, " ", " NNP x")),
        write(
            tmp_path / "lines.jsonl",
            "".join(
                json.dumps({"tokens": words, "tags": row.split()}) + "\n"
                for (words, _), row in zip(SENTENCES, bio, strict=True)
            ),
        ),
    ]
    for file in files:
        found = [(list(item.words), item.entities) for item in read_tagged(file)]
        assert found == SENTENCES, file.name


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.conll", "", "is empty"),
        ("a.conll", "-DOCSTART- O\n\n", "holds no sentences"),
        ("a.conll", "Ada B-person\nleft\n", r"line 2: expected a word and its tag"),
        ("a.conll", "Ada NNP B-person\n\nleft O\n", r"line 3: 2 columns, the lines before have 3"),
        ("a.conll", "Ada\tB-person\n \tO\n", r"line 2: there is no word in front of the tag 'O'"),
        ("a.conll", "Ada person\n", r"line 1: 'person' is no tag"),
        ("a.conll", "Ada B-\n", r"line 1: 'B-' is no tag"),
        ("a.conll", "Ada B-person\nleft I-place\n", r"line 2: I-place follows B-person"),
        ("a.conll", "Ada B-person\nleft O\nit I-place\n", r"line 3: I-place follows no entity"),
        ("a.conll", "Ada S-person\nNew B-place\nYork O\n", r"line 3: the entity B-place does not end"),
        ("a.conll", "Ada S-person\nNew B-place\n\nx O\n", r"line 2: the entity B-place does not end"),
        ("a.conll", b"Ada B-person\nZo\xeb B-person\n", r"is not utf-8 text: byte 0xEB in line 2"),
        (
            "a.jsonl",
            '{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["a"]}\n',
            r"line 2: there is no key 'tags'",
        ),
        ("a.jsonl", '{"tokens": ["a", "b"], "tags": ["O"]}\n', r"line 1: 2 words and 1 tags"),
        ("a.jsonl", '{"tokens": "a b", "tags": ["O"]}\n', r"line 1: 'tokens' must be a list of texts"),
        ("a.jsonl", '{"tokens": [], "tags": []}\n', r"line 1: the sentence has no words"),
        ("a.jsonl", "[1]\n", r"line 1: expected a JSON object"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read_tagged(write(tmp_path / name, content))


def test_the_form_can_be_named(tmp_path: Path) -> None:
    file = write(tmp_path / "a.conll", "a I-x\nb B-x\nc I-x\n")
    # With a B in it, it is taken for bio, whose entities do not begin with I.
    with pytest.raises(InputError, match="--set tag_form=iob1"):
        read_tagged(file)
    (sentence,) = read_tagged(file, form="iob1")
    assert sentence.entities == (Entity("x", 0, 1), Entity("x", 1, 3))
    with pytest.raises(InputError, match="line 2: E-x is a tag of bioes"):
        read_tagged(write(tmp_path / "b.conll", "a B-x\nb E-x\n"), form="bio")
    with pytest.raises(InputError, match="is a folder"):
        read_tagged(tmp_path)


def test_the_dictionary_takes_the_longest_name_and_its_usual_kind() -> None:
    known = [
        (["New", "York", "Times"], [Entity("paper", 0, 3)]),
        (["New", "York"], [Entity("place", 0, 2)]),
        (["Ada"], [Entity("place", 0, 1)]),
        (["Ada", "Ada"], [Entity("person", 0, 1), Entity("person", 1, 2)]),
    ]
    dictionary = EntityDictionary(known)
    assert dictionary.find(["Ada", "reads", "the", "New", "York", "Times", "in", "New", "York"]) == [
        Entity("person", 0, 1),
        Entity("paper", 3, 6),
        Entity("place", 7, 9),
    ]
    assert EntityDictionary([]).find(["Ada"]) == []


def test_a_split_is_of_all_samples_and_follows_from_its_seed() -> None:
    kept, aside = split_at_random(50, 5, seed=3)
    assert sorted([*kept, *aside]) == list(range(50))
    assert (len(aside), kept, aside) == (5, sorted(kept), sorted(aside))
    assert split_at_random(50, 5, seed=3) == (kept, aside) != split_at_random(50, 5, seed=4)
    for samples, count in ((3, 0), (3, 3), (1, 1)):
        with pytest.raises(InputError, match=f"of {samples} samples, {count} would be the test part"):
            split_at_random(samples, count, seed=0)
