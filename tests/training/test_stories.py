from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgernn.errors import InputError
from edgernn.features.stories import sentences, story_and_question
from edgernn.features.symbols import word_vocabulary
from edgernn.training.stories import read_questions

STORY = ("Ada ran.", "Ben sat.")
BABI = (
    "1 Ada ran.\n2 Ben sat.\n3 Who ran?\tAda\t1\n4 Ben slept.\n5 Who slept?\tBen\t2 4\n"
    "1 Ben ran.\n2 Who?\tBen\t1\n"
)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_babis_format_is_read(tmp_path: Path) -> None:
    first, second, third = read_questions(write(tmp_path / "a.txt", BABI.replace("Ada\t1", "Ada \t1")))
    assert (first.story, first.question, first.answer, first.support) == (STORY, "Who ran?", "Ada", (0,))
    # A question is no sentence of the story, and counts as a line.
    assert (second.story, second.support) == ((*STORY, "Ben slept."), (1, 2))
    assert (third.story, third.where) == (("Ben ran.",), f"{str(tmp_path / 'a.txt')!r}, line 7")


def test_tables_are_read_alike(tmp_path: Path) -> None:
    row = {"story": " ".join(STORY), "question": "Who ran?", "answer": "Ada"}
    files = [
        write(tmp_path / "a.jsonl", json.dumps(row)),
        write(tmp_path / "b.jsonl", json.dumps({**row, "story": list(STORY)})),
        write(tmp_path / "c.csv", "story,question,answer\n" + ",".join(row.values())),
        write(tmp_path / "d.tsv", "answer\tquestion\tstory\nAda\tWho ran?\tAda ran. Ben sat.\n"),
    ]
    for file in files:
        (found,) = read_questions(file)
        assert (found.story, found.question, found.answer, found.support) == (STORY, "Who ran?", "Ada", ())
    (found,) = read_questions(
        write(tmp_path / "e.csv", "s,q,a\nAda ran.,Who?,Ada"), story_column="s", question_column="q",
        answer_column="a",
    )  # fmt: skip
    assert found.answer == "Ada"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", "", "is empty"),
        ("a.txt", "1 Ada ran.\n", "holds no question"),
        ("a.txt", "Ada ran.\n", "line 1: each line begins with its number"),
        ("a.txt", "1 Ada ran.\n3 Ben sat.\n", "line 2: .*expected 2, or 1 where a story begins"),
        ("a.txt", "1 Ada ran.\n\n2 \n", "line 3: there is no sentence"),
        ("a.txt", "1 Who ran?\tAda\t1\n", "line 1: a question before the first sentence"),
        ("a.txt", "1 Ada ran.\n2 Who?\t\t1\n", "line 2: expected a question, its answer"),
        ("a.txt", "1 Ada ran.\n2 Who?\tAda\t1\tx\n", "line 2: expected a question, its answer"),
        ("a.txt", "1 Ada ran.\n2 Who?\tAda\t2\n", "line 2: '2' is not the number of a sentence"),
        ("a.txt", "1 Ada ran.\n2 Who?\tAda\tone\n", "line 2: 'one' is not the number"),
        ("a.txt", b"1 Ada ran.\n2 Ren\xe9 sat.\n", "not utf-8 text: byte 0xE9 in line 2"),
        ("a.csv", "story,question\nAda ran.,Who?\n", "line 1: there is no column 'answer'"),
        ("a.csv", "story,question,answer\nAda ran.,Who?\n", "line 2: 2 cells, the header has 3"),
        ("a.csv", "story,question,answer\nAda ran.,,Ada\n", "line 2: 'question' is empty"),
        ("a.jsonl", '{"story": [], "question": "a", "answer": "b"}', "line 1: 'story' must be"),
        ("a.jsonl", '{"story": ["a", 1], "question": "a", "answer": "b"}', "line 1: 'story' must be"),
        ("a.jsonl", '{"story": "a", "question": true, "answer": "b"}', "line 1: 'question' must be text"),
        ("a.jsonl", "{}\n", "line 1: there is no key 'story'"),
        ("a.jsonl", '{"story": "a"\n', "line 1: no JSON"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(tmp_path: Path, name: str, content, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_questions(write(tmp_path / name, content))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        read_questions(tmp_path)


def test_sentences_end_at_marks_and_lines() -> None:
    found = sentences("It is 3.5 m. Is it?  Yes!\nno mark\n\n")
    assert found == ("It is 3.5 m.", "Is it?", "Yes!", "no mark")


def test_an_app_makes_the_inputs_without_torch() -> None:
    vocabulary = word_vocabulary(["ada ran .", "who ?"])
    story, question = story_and_question(["Ada ran far.", "Who?"], "Who ran?", vocabulary, 3)
    place = {word: n for n, word in enumerate(vocabulary)}
    assert story.tolist() == [[[place["ada"], place["ran"], 1], [place["who"], place["?"], 0]]]
    assert question.tolist() == [[place["who"], place["ran"], place["?"]]]
    assert story.dtype == question.dtype == np.int64
