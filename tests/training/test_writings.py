"""Labelled pen strokes: UNIPEN, Omniglot, folders and tables, and splits by writer."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from edgernn.errors import InputError
from edgernn.strokes import Drawing, write_drawing
from edgernn.training.writings import Writing, read_writings, split_writers, writers_of

POINTS = """.COORD X Y T
.WRITER_ID anna
.PEN_DOWN
1 10 0
2 20 1
.PEN_UP
.PEN_DOWN
.PEN_UP
.PEN_DOWN
3 30 0
4 40 1
5 50 2
.PEN_UP
"""


def unipen(root: Path, segments: str, points: str = POINTS) -> Path:
    (root / "include" / "lab").mkdir(parents=True, exist_ok=True)
    (root / "include" / "lab" / "ink.dat").write_text(points)
    labels = root / "data" / "6" / "labels.dat"
    labels.parent.mkdir(parents=True, exist_ok=True)
    labels.write_text(f".VERSION 1.0\n.INCLUDE lab/ink.dat\n{segments}\n")
    return labels.parent


def test_unipen_segments_become_drawings(tmp_path: Path) -> None:
    folder = unipen(
        tmp_path,
        '.SEGMENT WORD 0-2 OK "t\\@h\\@e"\n.SEGMENT CHARACTER 2 OK "\\""\n.SEGMENT CHARACTER 2 BAD "x"\n'
        '.SEGMENT WORD 2:1-2:1 ? "a"\n.SEGMENT WORD 2,0 OK "b"\n.SEGMENT TEXT 0-2 OK "no word"',
    )
    found = read_writings(folder)
    assert [(w.label, w.writer) for w in found] == [(t, "lab/anna") for t in ("the", '"', "a", "b")]
    strokes = [[stroke.tolist() for stroke in w.drawing.strokes] for w in found]
    first, last = [[1, -10], [2, -20]], [[3, -30], [4, -40], [5, -50]]
    assert strokes == [[first, last], [last], [[[4, -40]]], [last, first]]


@pytest.mark.parametrize(
    ("segments", "complaint"),
    [
        ('.SEGMENT WORD 0-3 OK "a"', "3 components"),
        ('.SEGMENT WORD 2-0 OK "a"', "3 components"),
        ('.SEGMENT WORD x OK "a"', "no component numbers"),
        ('.SEGMENT WORD 1 OK "a"', "hold no points"),
        (".SEGMENT WORD 0", "expected .SEGMENT"),
        ('.SEGMENT TEXT 0 OK "a"', "no .SEGMENT of a character or word"),
        (".INCLUDE lab/other.dat", "no file 'lab/other.dat'"),
        (".INCLUDE lab/../../secret.dat", "no file"),
        (".INCLUDE /etc/passwd", "no file"),
        (".INCLUDE lab/link.dat", "no file"),
        (".INCLUDE a\0b", "no file"),
    ],
)
def test_unipen_files_that_do_not_fit_say_where(tmp_path: Path, segments: str, complaint: str) -> None:
    (tmp_path / "secret.dat").write_text(POINTS)
    folder = unipen(tmp_path, segments)
    os.symlink(tmp_path / "secret.dat", tmp_path / "include" / "lab" / "link.dat")
    with pytest.raises(InputError, match=complaint):
        read_writings(folder)


def test_unipen_points_and_circles_are_checked(tmp_path: Path) -> None:
    folder = unipen(tmp_path, '.SEGMENT WORD 0 OK "a"', ".PEN_DOWN\n1\n.PEN_UP\n")
    with pytest.raises(InputError, match=r"ink.dat, line 2: '1' is no point"):
        read_writings(folder)
    unipen(tmp_path, '.SEGMENT WORD 0 OK "a"', ".INCLUDE lab/ink.dat\n")
    with pytest.raises(InputError, match="include each other"):
        read_writings(folder)


def archive(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name, text in files.items():
            made.writestr(name, text)
    return path


def test_omniglot_drawings(tmp_path: Path) -> None:
    text = "START\n1.5,-2,0\n3,-4,500\nBREAK\n5,-6,900\nBREAK\n"
    found = read_writings(
        archive(
            tmp_path / "a.zip",
            {
                "s/Greek/character02/0108_07.txt": text,
                "__MACOSX/s/Greek/character02/0108_07.txt": "no strokes",
                "s/README.md": "",
            },
        )
    )
    (one,) = found
    assert (one.label, one.writer) == ("Greek/character02", "07")
    assert [s.tolist() for s in one.drawing.strokes] == [[[1.5, 2, 0], [3, 4, 0.5]], [[5, 6, 0.9]]]


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"a.txt": ""}, "holds no drawings"),
        ({"s/G/character1/1_1.txt": "START\n1,2\n"}, "'1,2' is no point"),
        ({"s/G/character1/1_1.txt": "START\n"}, "no strokes"),
        ({"s/G/character1/1_1.txt": "1,2,3\n" * 200_000}, "bytes are no drawing"),
    ],
)
def test_omniglot_files_that_do_not_fit(tmp_path: Path, files: dict[str, str], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_writings(archive(tmp_path / "a.zip", files))
    (tmp_path / "b.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match="no zip file"):
        read_writings(tmp_path / "b.zip")


def test_folders_of_strokes(tmp_path: Path) -> None:
    drawing = Drawing([[[0, 0], [1, 2]]])
    write_drawing(tmp_path / "a" / "anna_1.csv", drawing)
    write_drawing(tmp_path / "b" / "ben_1.inkml", drawing, {"truth": "hello", "writer": "eve"})
    found = read_writings(tmp_path)
    assert [(w.label, w.writer) for w in found] == [("a", ""), ("hello", "eve")]
    found = read_writings(tmp_path, writer_pattern="^(.+)_", label_pattern=r"_(\d)")
    assert [(w.label, w.writer) for w in found] == [("1", "anna"), ("1", "ben")]
    write_drawing(tmp_path / "c.csv", drawing)
    with pytest.raises(InputError, match="LABEL/ folder"):
        read_writings(tmp_path)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(InputError, match="no pen strokes"):
        read_writings(tmp_path / "nothing")


def test_tables_of_strokes(tmp_path: Path) -> None:
    write_drawing(tmp_path / "ink" / "1.csv", Drawing([[[0, 0], [1, 2]]]))
    write_drawing(tmp_path.parent / "out.csv", Drawing([[[0, 0]]]))
    table = tmp_path / "t.csv"
    table.write_text("file,text,writer\nink/1.csv,a word,anna\n")
    (one,) = read_writings(table)
    assert (one.label, one.writer) == ("a word", "anna")
    for row, complaint in (("../out.csv,a", "outside"), ("ink/2.csv,a", "no file"), ("ink/1.csv,", "empty")):
        table.write_text(f"file,text\n{row}\n")
        with pytest.raises(InputError, match=complaint):
            read_writings(table)


def writings(counts: dict[str, int]) -> list[Writing]:
    drawing = Drawing([[[0, 0]]])
    return [
        Writing(drawing, str(n), name, f"{name} {n}") for name, count in counts.items() for n in range(count)
    ]


def test_writers_are_never_split() -> None:
    counts = {f"w{n}": 5 + n for n in range(20)} | {"most": 300}
    for seed in range(4):
        kept, put = split_writers(writings(counts), 0.2, seed)
        assert not {w.writer for w in kept} & {w.writer for w in put}
        assert len(kept) + len(put) == sum(counts.values())
        assert 0.15 < len(put) / sum(counts.values()) < 0.3
        assert "most" not in {w.writer for w in put}
    assert {w.writer for w in split_writers(writings(counts), 0.2, 0)[1]} != {
        w.writer for w in split_writers(writings(counts), 0.2, 1)[1]
    }


def test_writers_that_cannot_be_split() -> None:
    with pytest.raises(InputError, match="1 writers leave none"):
        split_writers(writings({"anna": 9}), 0.2, 0)
    with pytest.raises(InputError, match="who wrote it is not known"):
        split_writers(writings({"anna": 9, "": 1}), 0.2, 0)


@pytest.mark.skipif("EDGERNN_DATA" not in os.environ, reason="needs the data sets of $EDGERNN_DATA")
def test_the_data_sets_are_read_whole() -> None:
    root = Path(os.environ["EDGERNN_DATA"])
    digits = read_writings(root / "unipen_mini" / "data" / "1a")
    assert len(digits) == 1572
    assert {w.label for w in digits} == set("0123456789")
    assert writers_of(digits).most_common(1) == [("gmd/kast", 928)]
    words = read_writings(root / "unipen_mini" / "data" / "6")
    assert len(words) == 2819
    assert len({w.label for w in words if w.writer.startswith("imp/")}) == 100
    drawn = read_writings(root / "omniglot_strokes" / "strokes_background_small1.zip")
    assert Counter(Counter(w.label for w in drawn).values()) == {20: 136}
    assert len(writers_of(drawn)) == 20
