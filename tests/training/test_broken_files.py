"""Every reader of the user's files refuses a broken one with the file and the line where it breaks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgernn.errors import InputError
from edgernn.training.csv_series import read_csv
from edgernn.training.labelled_texts import read_texts
from edgernn.training.recordings import Columns, read_recordings
from edgernn.training.records import read_records

Reader = Callable[[Path], Any]


def series(path: Path) -> Any:
    return read_csv(path, ("y",), time_column="t", label_column="l")


def recordings(path: Path) -> Any:
    return read_recordings(path, Columns())


def records(path: Path) -> Any:
    return read_records(path, ("a", "b"))


TS = "@problemName x\n@timeStamps false\n@classLabel true u v\n@data\n1,2:3,4:u\n"

# Reader, the file's name, a good file, and what breaks it: (what, file, line, what is said). Line 0: the file
# as a whole.
CASES: list[tuple[Reader, str, bytes, list[tuple[str, bytes, int, str]]]] = [
    (
        series,
        "s.csv",
        b"t,y,l\n2020-01-01,1,\n2020-01-02,2,bad\n",
        [
            ("missing column", b"t,x,l\n2020-01-01,1,\n", 0, "option column: there is no column 'y'"),
            ("missing time", b"time,y,l\n2020-01-01,1,\n", 0, "no column 't'. It has time, y, l"),
            ("wrong type", b"t,y,l\n2020-01-01,1,\n2020-01-02,two,\n", 3, "'two' in column 'y' is no number"),
            ("wrong time", b"t,y,l\n2020-01-01,1,\n2020-13-41,2,\n", 3, "'2020-13-41' in time_column 't'"),
            ("no value", b"t,y,l\n2020-01-01,1,\n2020-01-02,,\n", 3, "no value in column 'y'"),
            ("empty", b"", 0, "is empty"),
            ("no rows", b"t,y,l\n", 0, "no rows"),
            ("ragged, long", b"t,y,l\n2020-01-01,1,,4\n", 2, "4 cells, the header has 3"),
            ("ragged, short", b"t,y,l\n2020-01-01,1,\n2020-01-02,2\n", 3, "2 cells, the header has 3"),
            ("not UTF-8", b"t,y,l\n2020-01-01,1,\n2020-01-02,2,b\xe4d\n", 3, "not utf-8 text: byte 0xE4"),
            ("open quote", b't,y,l\n2020-01-01,"1,\n', 2, "unexpected end"),
        ],
    ),
    (
        recordings,
        "r.csv",
        b"recording,label,x\n1,a,1\n2,b,2\n",
        [
            ("missing column", b"recording,lable,x\n1,a,1\n", 1, "no column 'label'. Did you mean 'lable'"),
            ("wrong type", b"recording,label,x\n1,a,1\n2,b,two\n", 3, "'two' in column 'x' is no number"),
            ("infinite", b"recording,label,x\n1,a,inf\n", 2, "no finite number"),
            ("two labels", b"recording,label,x\n1,a,1\n1,b,2\n", 3, "A recording has one label"),
            ("empty", b"\n\n", 0, "is empty"),
            ("no rows", b"recording,label,x\n", 0, "no rows"),
            ("ragged", b"recording,label,x\n1,a,1\n2,b\n", 3, "2 cells, the header has 3"),
            ("not UTF-8", b"recording,label,x\n1,\xfc,1\n", 2, "not utf-8 text: byte 0xFC"),
        ],
    ),
    (
        recordings,
        "r.jsonl",
        b'{"values": [[1, 2]], "label": "a"}\n',
        [
            ("missing key", b'{"values": [[1, 2]]}\n', 1, "no key 'label'"),
            ("wrong type", b'{"values": [[1, "x"]], "label": "a"}\n', 1, "'x' is no number"),
            ("no list", b'{"values": 3, "label": "a"}\n', 1, "values must be a list of time steps"),
            ("no JSON", b'{"values": [[1, 2]], "label": "a"}\n{"values": \n', 2, "no JSON"),
            ("no object", b"[1]\n", 1, "expected a JSON object, found list"),
            ("empty", b"", 0, "is empty"),
            ("ragged", b'{"values": [[1, 2], [3]], "label": "a"}\n', 1, "time steps have 1 and 2 values"),
            ("not UTF-8", b'{"values": [[1, 2]], "label": "\xff"}\n', 1, "not utf-8 text"),
        ],
    ),
    (
        recordings,
        "r.ts",
        TS.encode(),
        [
            ("unknown label", TS.encode() + b"1:2:w\n", 6, "one of the labels u, v"),
            ("wrong type", TS.encode() + b"1,?:2,3:u\n", 6, "Missing values"),
            ("empty", b"", 0, "is empty"),
            ("no samples", TS.encode().rpartition(b"1,2")[0], 0, "no samples"),
            ("ragged", TS.encode() + b"1,2:3:v\n", 6, "different lengths: 2, 1"),
            ("not UTF-8", TS.encode() + b"1:2:\xff\n", 6, "not utf-8 text"),
        ],
    ),
    (
        read_texts,
        "t.tsv",
        b"text\tlabel\nfine\tgood\n",
        [
            ("missing column", b"txt\tlabel\nfine\tgood\n", 1, "no column 'text'. Did you mean 'txt'"),
            ("no text", b"text\tlabel\n \tgood\n", 2, "'text' is empty"),
            ("empty", b"", 0, "is empty"),
            ("no rows", b"text\tlabel\n", 0, "no rows"),
            ("ragged", b"text\tlabel\nfine\tgood\nfine\n", 3, "1 cells, the header has 2"),
            ("not UTF-8", b"text\tlabel\nfine\tgood\nna\xefve\tbad\n", 3, "not utf-8 text: byte 0xEF"),
        ],
    ),
    (
        read_texts,
        "t.jsonl",
        b'{"text": "fine", "label": "good"}\n',
        [
            ("missing key", b'{"text": "fine"}\n', 1, "no key 'label'"),
            ("wrong type", b'{"text": ["fine"], "label": "good"}\n', 1, "'text' must be text"),
        ],
    ),
    (
        read_texts,
        "t.txt",
        b"good fine\n",
        [
            ("no text", b"good fine\nbad\n", 2, "expected a label, a space and a text"),
            ("empty", b" \n", 0, "is empty"),
            ("not UTF-8", b"good fine\nbad \xff\n", 2, "not utf-8 text"),
        ],
    ),
    (
        records,
        "x.csv",
        b"a,b\n1,2\n",
        [
            ("missing column", b"a,c\n1,2\n", 1, "no column 'b'"),
            ("twice", b"a,b,a\n1,2,3\n", 1, "two columns are called 'a'"),
            ("ragged", b'a,b\n"1\n1",2\n3\n', 4, "1 cells, the header has 2"),
        ],
    ),
]
BROKEN = [
    pytest.param(reader, name, content, line, said, id=f"{name} {what}")
    for reader, name, _, broken in CASES
    for what, content, line, said in broken
]


@pytest.mark.parametrize(("reader", "name", "content", "line", "said"), BROKEN)
def test_a_broken_file_is_refused_with_its_place(
    tmp_path: Path, reader: Reader, name: str, content: bytes, line: int, said: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(said)) as caught:
        reader(file)
    message = str(caught.value)
    assert str(file) in message
    if line:
        assert f"line {line}" in message


@pytest.mark.parametrize(("reader", "name", "content"), [case[:3] for case in CASES])
def test_a_whole_file_is_read(tmp_path: Path, reader: Reader, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    assert reader(file) is not None


def test_files_of_a_folder_are_refused_with_their_place(tmp_path: Path) -> None:
    (tmp_path / "walk").mkdir()
    file = tmp_path / "walk" / "1.txt"
    for content, said in (
        (b"1 2\n3\n", "line 2: 1 values, the lines before have 2"),
        (b"1 2\n3 x\n", "line 2: 'x' is no number"),
        (b"", "is empty"),
        (b"1 2\n\xff 3\n", "not utf-8 text: byte 0xFF in line 2"),
    ):
        file.write_bytes(content)
        with pytest.raises(InputError, match=re.escape(said)) as caught:
            recordings(tmp_path)
        assert str(file) in str(caught.value)
