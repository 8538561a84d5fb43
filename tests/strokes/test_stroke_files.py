"""InkML and tables of points, read and written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgernn.errors import InputError
from edgernn.strokes import Drawing, read_annotated, read_drawing, write_drawing

INK = '<ink xmlns="http://www.w3.org/2003/InkML">{}</ink>'


def ink(tmp_path: Path, body: str, head: str = "") -> Path:
    path = tmp_path / "x.inkml"
    path.write_text(head + INK.format(body))
    return path


@pytest.mark.parametrize("suffix", [".inkml", ".csv"])
@pytest.mark.parametrize("columns", [2, 3])
def test_a_drawing_comes_back_as_it_was(tmp_path: Path, suffix: str, columns: int) -> None:
    random = np.random.default_rng(3)
    drawing = Drawing([random.normal(size=(n, columns)).round(5) for n in (5, 1, 3)])
    write_drawing(tmp_path / f"a{suffix}", drawing)
    found = read_drawing(tmp_path / f"a{suffix}")
    assert [len(stroke) for stroke in found.strokes] == [5, 1, 3]
    for stroke, other in zip(found.strokes, drawing.strokes, strict=True):
        np.testing.assert_array_equal(stroke, other)


def test_annotations_are_kept_and_escaped(tmp_path: Path) -> None:
    said = {"truth": 'a < "b" & c', "writer": "anna"}
    write_drawing(tmp_path / "a.inkml", Drawing([[[0, 0]]]), said)
    assert read_annotated(tmp_path / "a.inkml")[1] == said
    with pytest.raises(InputError, match="no annotations"):
        write_drawing(tmp_path / "a.csv", Drawing([[[0, 0]]]), said)


def test_inkml_channels_groups_and_pen_up(tmp_path: Path) -> None:
    path = ink(
        tmp_path,
        '<traceFormat><channel name="T" units="ms"/><channel name="F"/><channel name="Y"/>'
        '<channel name="X"/></traceFormat><traceGroup><trace type="penDown">0 9 2 1, 500 9 4 3</trace>'
        '<annotation type="truth">not the file\'s</annotation></traceGroup>'
        '<trace type="penUp">0 0 7 7</trace><annotation type="truth">file</annotation>'
        "<trace>1e3 9 .5 -1.</trace>",
    )
    drawing, said = read_annotated(path)
    assert [stroke.tolist() for stroke in drawing.strokes] == [[[1, 2, 0], [3, 4, 0.5]], [[-1, 0.5, 1]]]
    assert said == {"truth": "file"}


def test_inkml_differences_are_summed(tmp_path: Path) -> None:
    # The example of the recommendation's section on traces: values, velocities, accelerations.
    path = ink(tmp_path, "<trace>1125 18432,'23'43,\"7\"-8,3 -5,7 -3,6 2,6 8,3 6,3 8</trace>")
    x = np.cumsum([1125, 23, 30, 33, 40, 46, 52, 55, 58])
    y = np.cumsum([18432, 43, 35, 30, 27, 29, 37, 43, 51])
    np.testing.assert_array_equal(read_drawing(path).strokes[0], np.stack([x, y], 1))


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("", "no trace"),
        ("<trace></trace>", "trace 1: it holds no points"),
        ("<trace>1 2, 3</trace>", "'3' has 1 values"),
        ("<trace>1 2, 3 x</trace>", "'3 x' is no point"),
        ("<trace>1 nan</trace>", "is no point"),
        ("<trace>1 1e999</trace>", "NaN or infinity"),
        ('<traceFormat><channel name="X"/></traceFormat><trace>1</trace>', "X and Y are needed"),
        ("<traceFormat/><traceFormat/><trace>1 2</trace>", "2 trace formats"),
        (
            '<traceFormat><channel name="X"/><channel name="Y"/><channel name="T" units="day"/></traceFormat>'
            "<trace>1 2 3</trace>",
            "'day'",
        ),
    ],
)
def test_inkml_that_holds_no_drawing_says_why(tmp_path: Path, body: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as caught:
        read_drawing(ink(tmp_path, body))
    assert "x.inkml" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"x,y\n1,2\n", "no XML"),
        (b"", "no XML"),
        (b"\xff\xfe\x00", "no XML"),
        (b"<ink><trace>1 2</trace>", "no XML"),
        (b"<svg/>", "<svg>, so it is no InkML"),
    ],
)
def test_what_is_no_inkml_is_refused(tmp_path: Path, data: bytes, complaint: str) -> None:
    (tmp_path / "x.inkml").write_bytes(data)
    with pytest.raises(InputError, match=complaint):
        read_drawing(tmp_path / "x.inkml")


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    """Neither ones that grow nor ones that name files, and the check does see a document type."""
    grow = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    (tmp_path / "secret").write_text("1 2")
    for head, body in (
        (f'<!DOCTYPE ink [<!ENTITY a0 "1 2,">{grow}]>', "<trace>&a11;</trace>"),
        (f'<!DOCTYPE ink [<!ENTITY a SYSTEM "{tmp_path}/secret">]>', "<trace>&a;</trace>"),
        ('<!DOCTYPE ink SYSTEM "http://example.invalid/ink.dtd">', "<trace>1 2</trace>"),
    ):
        with pytest.raises(InputError, match="document type"):
            read_drawing(ink(tmp_path, body, head))
    assert len(read_drawing(ink(tmp_path, "<trace>1 2</trace>")).points) == 1


def test_a_table_tells_strokes_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\ufeffX, Y ,stroke,pressure\n1,2,0,.5\n3,4,0,\n\n5,6,2,x\n7,8,0,1\n")
    assert [s.tolist() for s in read_drawing(path).strokes] == [[[1, 2], [3, 4]], [[5, 6]], [[7, 8]]]
    path.write_text("time,x,y,pen\n0,1,2,1\n1,0,0,0\n2,3,4,1\n3,5,6,1\n4,9,9,0\n")
    assert [s.tolist() for s in read_drawing(path).strokes] == [[[1, 2, 0]], [[3, 4, 2], [5, 6, 3]]]
    path.write_text("x,y\n1,2\n3,4\n")
    assert len(read_drawing(path).strokes) == 1


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "found nothing"),
        ("1,2\n3,4\n", "must name the columns"),
        ("x,z\n1,2\n", "found x, z"),
        ("x,y\n", "no points"),
        ("x,y,pen\n1,2,0\n", "no points that the pen touched"),
        ("x,y,pen\n1,2,3\n", "line 2: pen must be 1 or 0"),
        ("x,y\n1,nan\n", "line 2, column y: nan is no finite"),
        ("x,y\n1,2\n1,a\n", "line 3, column y: 'a' is no number"),
        ("x,y\n1\n", "line 2 has 1 values"),
    ],
)
def test_a_table_that_holds_no_drawing_says_why(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=complaint):
        read_drawing(tmp_path / "a.csv")


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x,y\n1,\xff\n")
    (tmp_path / "a.txt").write_text("x,y\n1,2\n")
    for name, complaint in (("a.csv", "UTF-8"), ("a.txt", "must end in"), ("b.csv", "no file")):
        with pytest.raises(InputError, match=complaint):
            read_drawing(tmp_path / name)
    with pytest.raises(InputError, match="must end in"):
        write_drawing(tmp_path / "a.txt", Drawing([[[0, 0]]]))
