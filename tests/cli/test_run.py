from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

import edgernn

VALUES = np.random.default_rng(0).normal(size=(6, 3)).round(3)
TEXT = "".join(",".join(map(str, row)) + "\n" for row in VALUES)


def expected(file: Path) -> np.ndarray:
    """Outputs of VALUES by the runtime itself, (time, 2)."""
    return np.asarray(edgernn.load(file).run(VALUES[None].astype(np.float32)))[0]


def numbers(text: str) -> np.ndarray:
    return np.array([[float(cell) for cell in line.split(",")] for line in text.splitlines()])


@pytest.mark.parametrize("kind", ["streaming", "sequence", "chunked"])
@pytest.mark.parametrize("given", ["npy", "npy without batch", "csv", "csv without header", "-"])
def test_every_form_takes_every_kind_of_input(request, invoke, sequence, tmp_path, kind, given) -> None:
    file = request.getfixturevalue(kind)
    path = tmp_path / ("x.npy" if "npy" in given else "x.csv")
    if "npy" in given:
        np.save(path, VALUES if "without" in given else VALUES[None])
    else:
        path.write_text(TEXT if "without" in given else "a,b,c\n" + TEXT)
    result = invoke("run", file, "-" if given == "-" else path, input=TEXT)
    assert result.exit_code == 0, result.stderr
    np.testing.assert_allclose(numbers(result.stdout), expected(sequence), rtol=1e-5, atol=1e-6)


def test_outputs_go_to_a_file(invoke, sequence: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.stack([VALUES, 2 * VALUES]).astype(np.float32))
    for name in ("y.npy", "y.npz"):
        result = invoke("run", sequence, tmp_path / "x.npy", "-o", tmp_path / name, "--json")
        assert json.loads(result.stdout)["shapes"] == {"output": [2, 6, 2]}
        found = np.load(tmp_path / name)
        found = found if name == "y.npy" else found["output"]
        np.testing.assert_allclose(found[0], expected(sequence), rtol=1e-5, atol=1e-6)


def test_json_of_a_run(invoke, sequence: Path, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(TEXT)
    answer = json.loads(invoke("run", sequence, tmp_path / "x.csv", "--json").stdout)
    np.testing.assert_allclose(answer["outputs"]["output"][0], expected(sequence), rtol=1e-5, atol=1e-6)


def test_json_of_lines_is_one_object_a_line(invoke, streaming: Path) -> None:
    lines = [
        json.loads(line) for line in invoke("run", streaming, "-", "--json", input=TEXT).stdout.splitlines()
    ]
    np.testing.assert_allclose([line["output"] for line in lines], expected(streaming), rtol=1e-5, atol=1e-6)


def test_a_column_is_taken_by_name(invoke, run_folder: Path, series: Path, tmp_path: Path) -> None:
    file = tmp_path / "forecast.onnx"
    assert invoke("export", run_folder, "-o", file, "--streaming").exit_code == 0
    result = invoke("run", file, series, "--column", "y")
    assert result.exit_code == 0, result.stderr
    assert len(result.stdout.splitlines()) == 120
    refused = invoke("run", file, series, "--column", "x")
    assert "has no column 'x'; its columns: when, y" in refused.stderr


def test_states_are_kept_and_taken_up(invoke, streaming: Path, tmp_path: Path) -> None:
    half = len(TEXT.splitlines()) // 2
    first, second = "\n".join(TEXT.splitlines()[:half]), "\n".join(TEXT.splitlines()[half:])
    state = tmp_path / "state.npz"
    invoke("run", streaming, "-", "--save-state", state, input=first)
    (tmp_path / "x.csv").write_text(second)
    whole = expected(streaming)[half:]
    for words in (("-",), (tmp_path / "x.csv",)):
        result = invoke("run", streaming, *words, "--resume", state, input=second)
        np.testing.assert_allclose(numbers(result.stdout), whole, rtol=1e-5, atol=1e-6)
    fresh = numbers(invoke("run", streaming, "-", input=second).stdout)
    assert not np.allclose(fresh, whole, atol=1e-4)


def test_outputs_before_the_first_one_are_dropped(invoke, streaming: Path, tmp_path: Path) -> None:
    late, state = tmp_path / "late.onnx", tmp_path / "state.npz"
    model = onnx.load(streaming)
    manifest = edgernn.load(streaming).manifest
    outputs = tuple(replace(spec, delay=2) for spec in manifest.outputs)
    onnx.helper.set_model_props(model, {"edgernn": manifest.with_(outputs=outputs).to_json()})
    onnx.save(model, late)
    (tmp_path / "x.csv").write_text(TEXT)
    for words in (("-",), (tmp_path / "x.csv",)):
        result = invoke("run", late, *words, "--save-state", state, input=TEXT)
        np.testing.assert_allclose(numbers(result.stdout), expected(streaming)[2:], rtol=1e-5, atol=1e-6)
        assert "the first 2 steps have no output" in result.stderr
        # A stream that goes on is past them.
        assert len(invoke("run", late, *words, "--resume", state, input=TEXT).stdout.splitlines()) == 6
    assert "the first 2 to be dropped" in invoke("inspect", late).stdout


def test_lines_that_fill_no_chunk_are_told(invoke, chunked: Path) -> None:
    result = invoke("run", chunked, "-", input="".join(TEXT.splitlines(keepends=True)[:5]))
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 4)
    assert "the last 1 lines are not answered: the model takes 2 at a time" in result.stderr


@pytest.mark.slow
def test_integers_and_several_inputs(invoke, tmp_path: Path) -> None:
    letters, lengths = tmp_path / "letters.onnx", tmp_path / "lengths.onnx"
    words = ("my_models:Letters", "-o", letters, "--streaming", "--example", "1x8:int64:0..9")
    assert invoke("export", *words).exit_code == 0
    result = invoke("run", letters, "-", input="3\n1\n")
    assert len(numbers(result.stdout)) == 2
    refused = invoke("run", letters, "-", input="3\n1.5\n")
    assert (refused.exit_code, len(refused.stdout.splitlines())) == (2, 1)
    assert "it takes whole numbers (int64), found 1.5" in refused.stderr
    assert invoke("export", "my_models:Lengths", "-o", lengths, "--example", "2x8x3,2:int64").exit_code == 0
    np.save(tmp_path / "x.npy", np.zeros((2, 5, 3), np.float32))
    np.save(tmp_path / "n.npy", np.array([5, 2]))
    assert invoke("run", lengths, tmp_path / "x.npy", tmp_path / "n.npy").exit_code == 0
    assert "takes 2 (x, lengths), in this order" in invoke("run", lengths, tmp_path / "x.npy").stderr
    assert "standard input feeds one input" in invoke("run", lengths, "-", input="1\n").stderr


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("a,b,c\n1,2,3\n4,warm,6\n", "line 3 of .*, column 'b': 'warm' is no number"),
        ("1,2,3\n4,5\n", "line 2 of .* has 2 values, others have 3"),
        ("a,b\n1,2\n", "each line must hold 3 values, one a feature; found 2"),
        ("a,b,c\n", "holds no rows of numbers"),
        ("1,2,3\n4,,6\n", "holds NaN or infinity"),
    ],
)
def test_tables_that_do_not_fit_are_refused(
    invoke, sequence: Path, tmp_path: Path, table: str, said: str
) -> None:
    (tmp_path / "x.csv").write_text(table)
    result = invoke("run", sequence, tmp_path / "x.csv")
    assert (result.exit_code, result.stdout) == (2, "")
    assert re.search(said, result.stderr)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("1,2,3\n1,x,3\n", "line 2: 'x' is no number"),
        ("1 2 3\n\n1 2\n", "line 3 holds 2 values; the model takes 3"),
        ("1,2,3\n1,nan,3\n", "line 2 holds NaN or infinity .*--nan allow"),
    ],
)
def test_a_bad_line_is_named_and_the_ones_before_are_answered(
    invoke, streaming: Path, lines: str, said: str
) -> None:
    result = invoke("run", streaming, "-", input=lines)
    assert (result.exit_code, len(result.stdout.splitlines())) == (2, 1)
    assert re.search(said, result.stderr)


def test_no_lines_at_all(invoke, streaming: Path) -> None:
    assert invoke("run", streaming, "-", input="").exit_code == 2


def test_nan_goes_in_where_allowed(invoke, streaming: Path) -> None:
    result = invoke("run", streaming, "-", "--nan", "allow", input="1,nan,3\n")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("x.npy", "--provider", "cup"), "unknown provider 'cup'. Did you mean 'cpu'"),
        (("x.npy", "--provider", "cuda"), "provider 'cuda' is not in this onnxruntime"),
        (("x.npy", "--threads", "0"), "threads: expected a whole number from 1, found 0"),
        (("x.npy", "--nan", "maybe"), "--nan: expected refuse or allow, found 'maybe'"),
        (("x.npy", "-o", "y.txt"), "must end in .npy or .npz"),
        (("x.npy", "--column", "a"), "names columns of a .csv file"),
        (("x.npy", "--save-state", "s.npz"), "is a sequence file and keeps no states"),
        (("none.npy",), "input: no file at 'none.npy'"),
        (("wrong.npy",), "dimension 2 must be 3, found 4"),
        (("objects.npy",), "is no .npy file of numbers"),
        (("my_models.py",), "must end in .npy, .csv or .inkml"),
        (("-", "-o", "y.npy"), "redirect standard output"),
    ],
)
def test_wrong_arguments_are_refused_by_name(
    invoke, work, sequence: Path, words: tuple[str, ...], said: str
) -> None:
    np.save(work / "x.npy", np.zeros((1, 4, 3), np.float32))
    np.save(work / "wrong.npy", np.zeros((1, 4, 4), np.float32))
    np.save(work / "objects.npy", np.array([{}]), allow_pickle=True)
    result = invoke("run", sequence, *words, input="1,2,3\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_fallback_is_told(invoke, sequence: Path, work: Path) -> None:
    np.save(work / "x.npy", np.zeros((1, 4, 3), np.float32))
    result = invoke("run", sequence, "x.npy", "--provider", "cuda,cpu")
    assert result.exit_code == 0
    assert "cuda was passed over for cpu" in result.stderr
    assert "cuda" not in result.stdout


def test_a_snapshot_of_another_file_is_refused(
    invoke, streaming: Path, chunked: Path, tmp_path: Path
) -> None:
    invoke("run", chunked, "-", "--save-state", tmp_path / "s.npz", input=TEXT)
    result = invoke("run", streaming, "-", "--resume", tmp_path / "s.npz", input=TEXT)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "snapshot: taken from another model" in result.stderr
