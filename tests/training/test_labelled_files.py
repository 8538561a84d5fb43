"""The user's texts and recordings: every format read alike, every broken file refused with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edgernn.errors import InputError
from edgernn.training.labelled_texts import read_texts
from edgernn.training.recordings import Columns, read_recordings
from edgernn.training.splits import split_labelled

TEXTS = [("fine", 'a good, "quiet" fan'), ("bad", "it broke"), ("fine", "schön")]
RECORDINGS = [
    ("walk", "anna", [[1.0, 2.0], [3.0, 4.5], [5.0, 6.0]]),
    ("rest", "ben", [[0.0, 0.25]]),
]


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def text_files(folder: Path) -> dict[str, Path]:
    quoted = [(label, '"' + text.replace('"', '""') + '"') for label, text in TEXTS]
    for label, text in TEXTS:
        with (write(folder / "by_label" / "keep", "").parent / f"{label}.txt").open("a") as file:
            file.write(text + "\n")
        write(folder / "by_file" / label / f"{len(text)}.txt", text)
    (folder / "by_label" / "README.txt").write_text("about")
    return {
        "csv": write(folder / "t.csv", "label,text\n" + "".join(f"{a},{b}\n" for a, b in quoted)),
        "bom": write(folder / "b.csv", "\ufefflabel,text\r\n" + "".join(f"{a},{b}\r\n" for a, b in quoted)),
        "tsv": write(folder / "t.tsv", "text\tlabel\n" + "".join(f"{b}\t{a}\n" for a, b in TEXTS)),
        "jsonl": write(
            folder / "t.jsonl", "".join(json.dumps({"label": a, "text": b}) + "\n\n" for a, b in TEXTS)
        ),
        "lines": write(folder / "t.all", "".join(f"{a} {b}\n" for a, b in TEXTS)),
        "by_label": folder / "by_label",
        "by_file": folder / "by_file",
    }


def test_every_format_of_texts_reads_alike(tmp_path: Path) -> None:
    for name, path in text_files(tmp_path).items():
        found = [(item.label, item.text) for item in read_texts(path)]
        assert sorted(found) == sorted(TEXTS), name


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "label,text\n", "header line but no rows"),
        ("a.csv", "label,txt\nx,y\n", "line 1: there is no column 'text'. Did you mean 'txt'"),
        ("a.csv", "label,text\nx,y\nx,y,z\n", "line 3: 3 cells, the header has 2"),
        ("a.csv", 'label,text\n"x\ny",a\nb\n', "line 4: 1 cells"),
        ("a.csv", "label,text\nx,y\n,z\n", "line 3: 'label' is empty"),
        ("a.csv", 'label,text\nx,"y\n', "line 2: unexpected end"),
        ("a.tsv", b"label\ttext\nx\tna\xefve\n", "is not utf-8 text: byte 0xEF in line 2.*encoding=latin-1"),
        ("a.jsonl", '{"label": "x", "text": "y"}\n{"label": "x"\n', "line 2: no JSON"),
        ("a.jsonl", '{"label": "x", "text": "y"}\n["x"]\n', "line 2: expected a JSON object, found list"),
        ("a.jsonl", '{"label": "x"}\n', "line 1: there is no key 'text'"),
        ("a.jsonl", '{"label": "x", "text": ["y"]}\n', "line 1: 'text' must be text, found"),
        ("a.txt", "x one\n\ntwo\n", "line 3: expected a label, a space and a text"),
    ],
)
def test_a_broken_file_of_texts_is_refused_with_its_line(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read_texts(write(tmp_path / name, content))


def test_another_encoding_and_other_columns(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "stars,review\n5,naïve\n".encode("latin-1"))
    (item,) = read_texts(path, text_column="review", label_column="stars", encoding="latin-1")
    assert (item.label, item.text) == ("5", "naïve")
    with pytest.raises(InputError, match="knows no encoding 'latin-99'"):
        read_texts(path, encoding="latin-99")


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"neither a LABEL.txt file for each label"):
        read_texts(tmp_path)


def recording_files(folder: Path) -> dict[str, Path]:
    rows = [(n, *item) for n, item in enumerate(RECORDINGS)]
    for n, label, group, values in rows:
        lines = "".join(" ".join(map(str, row)) + "\n" for row in values)
        write(folder / "folder" / label / f"r{n}-{group}.txt", "x y\n" * (len(values) > 1) + lines)
    table = "".join(f"{n},{group},{x},{y},{label}\n" for n, label, group, values in rows for x, y in values)
    lines = [json.dumps({"values": v, "label": label, "who": group}) for _, label, group, v in rows]
    header = "# about\n@problemName p\n@timeStamps false\n@classLabel true walk rest\n@data\n"
    series = "".join(
        ":".join(",".join(map(str, column)) for column in zip(*values, strict=True)) + f":{label}\n"
        for label, _, values in RECORDINGS
    )
    return {
        "folder": folder / "folder",
        "csv": write(folder / "r.csv", "recording,who,x,y,label\n" + table),
        "jsonl": write(folder / "r.jsonl", "\n".join(lines) + "\n"),
        "ts": write(folder / "r.ts", header + series),
    }


def test_every_format_of_recordings_reads_alike(tmp_path: Path) -> None:
    for name, path in recording_files(tmp_path).items():
        who = "who" if name in ("csv", "jsonl") else ""
        found = read_recordings(path, Columns(group=who), group_pattern=r"-(\w+)\.txt$")
        assert {item.label for item in found} == {"walk", "rest"}
        for item in found:
            _, group, values = RECORDINGS[item.label == "rest"]
            torch.testing.assert_close(item.values, torch.tensor(values))
            assert item.group == (group if name != "ts" else "")


JSON = '{"label": "a", "values": %s}\n'
TS = "@timeStamps false\n@classLabel true a b\n@data\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "recording,label,x\n1,a,1\n1,a,oops\n", "line 3: 'oops' in column 'x' is no number"),
        ("a.csv", "recording,label,x\n1,a,nan\n", "line 2: 'nan' in column 'x' is no finite number"),
        ("a.csv", "recording,label,x\n1,a,\n", "line 2: '' in column 'x' is no number"),
        ("a.csv", "recording,label,x\n1,a,1\n1,b,1\n", "line 3: label 'b', but the recording began as 'a'"),
        ("a.csv", "recording,label\n1,a\n", "no column of values"),
        ("a.csv", "recordings,label,x\n1,a,1\n", "no column 'recording'. Did you mean 'recordings'"),
        ("a.jsonl", '{"label": "a", "values": [[1], [1, 2]]}', "line 1: time steps have 1 and 2 values"),
        ("a.jsonl", '{"label": "a", "values": [1, 2]}', "line 1: values must be a list of time steps"),
        ("a.jsonl", '{"label": "a", "values": [[true]]}', "line 1: True is no finite number"),
        ("a.jsonl", JSON % "[[1]]" + JSON % "[[1, 2]]", "line 2: 2 channels, .*line 1 has 1"),
        ("a.ts", TS + "1,2:3,4:a\n1,2:3:b\n", "line 5: its dimensions have different lengths: 2, 1"),
        ("a.ts", TS + "1,?:a\n", "line 4: .*Missing values"),
        ("a.ts", TS + "1,2:c\n", "line 4: it must end in a colon and one of the labels a, b"),
        ("a.ts", TS, "no samples behind @data"),
        ("a.ts", "1,2:a\n", "line 1: expected a line that begins with @"),
        ("a.ts", TS.replace("false", "true") + "1:a\n", "time stamps"),
        ("a.npy", "x", "ends in none of"),
        ("f/a/1.txt", "1 2\n3 4 5\n", "line 2: 3 values, the lines before have 2"),
        ("f/a/1.txt", "1 2\n3 x\n", "line 2: 'x' is no number"),
    ],
)  # fmt: skip
def test_a_broken_recording_is_refused_with_its_line(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(InputError, match=said):
        read_recordings(path if name[0] == "a" else tmp_path / "f", Columns())


def test_a_name_that_says_no_group_is_refused(tmp_path: Path) -> None:
    folder = recording_files(tmp_path)["folder"]
    with pytest.raises(InputError, match=r"its name does not match 'p\(\\\\d\)'"):
        read_recordings(folder, Columns(), group_pattern=r"p(\d)")
    with pytest.raises(InputError, match="no group in parentheses"):
        read_recordings(folder, Columns(), group_pattern="p")


@settings(max_examples=30)
@given(st.lists(st.sampled_from("abc"), min_size=8, max_size=60), st.integers(0, 3))
def test_a_split_keeps_every_label_and_its_share(labels: list[str], seed: int) -> None:
    kept, aside = split_labelled(labels, 0.25, seed)
    assert sorted(kept + aside) == list(range(len(labels)))
    assert {labels[n] for n in kept} == set(labels)
    for label in set(labels):
        share = sum(labels[n] == label for n in aside)
        assert abs(share - 0.25 * labels.count(label)) <= 1.5
    assert split_labelled(labels, 0.25, seed) == (kept, aside)


def test_a_split_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="leave none for the test part"):
        split_labelled(["a", "b"], 0.2, 0)
