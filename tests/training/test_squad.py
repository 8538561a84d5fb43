from __future__ import annotations

import json
import os
from copy import deepcopy
from pathlib import Path

import pytest

from edgernn.errors import InputError
from edgernn.training.recipe import DATA_FOLDER_VARIABLE
from edgernn.training.squad import TextAnswer, read_squad

CONTEXT = "Émile 🦜 wohnt in Żary."
ASKED = {"question": "Wo wohnt er?", "id": "x", "answers": [{"text": "Żary", "answer_start": 17}]}
WHOLE = {"version": "1.1", "data": [{"title": "t", "paragraphs": [{"context": CONTEXT, "qas": [ASKED]}]}]}


def write(path: Path, content: object) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def changed(*path: object, to: object = None) -> dict:
    """The whole file with one value of it replaced, or taken out."""
    whole = deepcopy(WHOLE)
    *outer, last = path
    part = whole
    for key in outer:
        part = part[key]
    if to is None:
        del part[last]
    else:
        part[last] = to
    return whole


PARAGRAPH = ("data", 0, "paragraphs", 0)
QUESTION = (*PARAGRAPH, "qas", 0)
ANSWER = (*QUESTION, "answers", 0)


def test_answers_are_read_with_their_places(tmp_path: Path) -> None:
    whole = deepcopy(WHOLE)
    second = deepcopy(whole["data"][0])
    second["paragraphs"][0]["qas"].append(
        {"question": "Wer?", "answers": [{"text": "Émile", "answer_start": 0}, *ASKED["answers"]]}
    )
    whole["data"].append(second)
    found = read_squad(write(tmp_path / "a.json", whole))
    assert [item.article for item in found] == [0, 1, 1]
    assert found[0].context == CONTEXT
    assert found[0].question == "Wo wohnt er?"
    # Characters count, not bytes or UTF-16 units.
    assert found[0].answers == (TextAnswer("Żary", 17),)
    assert found[2].answers == (TextAnswer("Émile", 0), TextAnswer("Żary", 17))
    assert found[2].where == f"{str(tmp_path / 'a.json')!r}, data[1].paragraphs[0].qas[1]"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b'{"data": [\n  {,\n]}', "line 2: no JSON"),
        (b'{"data": [],\n "version": "Ren\xe9"}', "not utf-8 text: byte 0xE9 in line 2"),
        (b"[" * 100_000, "no JSON"),
        ([], "it must be an object, found '\\[\\]'"),
        ({"version": "1.1"}, "a.json': there is no key 'data'. It has version"),
        ({"data": []}, "holds no question in any"),
        ({"data": {}}, "'data' must be a list"),
        (changed("data", 0, to=3), r", data\[0\]: it must be an object, found '3'"),
        (changed("data", 0, "paragraphs"), r", data\[0\]: there is no key 'paragraphs'"),
        (changed(*PARAGRAPH, "context"), r", data\[0\].paragraphs\[0\]: there is no key 'context'"),
        (changed(*PARAGRAPH, "context", to=" "), r"paragraphs\[0\]: 'context' is empty"),
        (changed(*PARAGRAPH, "qas"), r"data\[0\].paragraphs\[0\]: there is no key 'qas'"),
        (changed(*QUESTION, "question"), r"paragraphs\[0\].qas\[0\]: there is no key 'question'"),
        (changed(*QUESTION, "question", to=7), r"qas\[0\]: 'question' must be text, found '7'"),
        (changed(*QUESTION, "answers", to=[]), r"data\[0\].paragraphs\[0\].qas\[0\]: 'answers' is empty"),
        (changed(*ANSWER, "text"), r"qas\[0\].answers\[0\]: there is no key 'text'"),
        (changed(*ANSWER, "text", to=""), r"qas\[0\].answers\[0\]: 'text' is empty"),
        (changed(*ANSWER, "answer_start"), r"answers\[0\]: there is no key 'answer_start'"),
        (changed(*ANSWER, "answer_start", to="17"), "'answer_start' must be an integer, found '17'"),
        (changed(*ANSWER, "answer_start", to=True), "'answer_start' must be an integer"),
        (changed(*ANSWER, "answer_start", to=18), "'ary.' at answer_start 18.*stands at 17"),
        (changed(*ANSWER, "answer_start", to=900), "'' at answer_start 900"),
        (changed(*ANSWER, "answer_start", to=-5), "'' at answer_start -5"),
        (changed(*ANSWER, "text", to="Ulm"), r"answers\[0\]: .*The context does not hold it"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(tmp_path: Path, content: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_squad(write(tmp_path / "a.json", content))


def test_the_broken_entry_is_named_among_others(tmp_path: Path) -> None:
    article = WHOLE["data"][0]
    whole = {"data": [deepcopy(article) for _ in range(4)]}
    paragraph = whole["data"][3]["paragraphs"][0]
    paragraph["qas"] = [deepcopy(ASKED) for _ in range(3)]
    read_squad(write(tmp_path / "a.json", whole))
    paragraph["qas"][2]["answers"][0]["answer_start"] = 2
    with pytest.raises(InputError, match=r"data\[3\].paragraphs\[0\].qas\[2\].answers\[0\]: the context has"):
        read_squad(write(tmp_path / "a.json", whole))


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder"):
        read_squad(tmp_path)


@pytest.mark.skipif(DATA_FOLDER_VARIABLE not in os.environ, reason="needs real data")
@pytest.mark.parametrize("language", ["en", "de"])
def test_xquad_is_read(language: str) -> None:
    file = Path(os.environ[DATA_FOLDER_VARIABLE]) / "xquad" / f"xquad.{language}.json"
    if not file.is_file():
        pytest.skip("needs XQuAD")
    found = read_squad(file)
    assert len(found) == 1190
    assert len({item.article for item in found}) == 48
    assert len({item.context for item in found}) == 240
