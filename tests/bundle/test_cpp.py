"""The C++ bundle is built and run: golden vectors, refusals, no allocation in a push, and valgrind."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edgernn
from edgernn.verify.report import output_scale
from edgernn.verify.tolerances import ANOTHER_DEVICE
from tests.once import made_once

from .conftest import (
    best_words,
    change_golden,
    change_weights,
    forecast_lines,
    rows_of,
    write_wave,
)

pytestmark = pytest.mark.slow


def run(*words: object, cwd: Path | None = None, input: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program."""
    command = [str(word) for word in words]
    return subprocess.run(
        command, cwd=cwd, input=input, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="session")
def built(
    tmp_path_factory: pytest.TempPathFactory, ort_definitions: list[str], models: dict[str, Path]
) -> Path:
    """The bundle of all three models, built once."""

    def build(folder: Path) -> None:
        edgernn.bundle(list(models.values()), folder / "app", target="cpp")
        for command in (
            ["cmake", "-S", "app", "-B", "app/build", *ort_definitions, "-DCMAKE_CXX_FLAGS=-Werror"],
            ["cmake", "--build", "app/build"],
        ):
            done = run(*command, cwd=folder)
            assert done.returncode == 0, done.stdout + done.stderr

    return made_once(tmp_path_factory, "bundle-cpp", build) / "app"


def test_it_gives_what_edgernn_gives(built: Path, models: dict[str, Path], tmp_path: Path) -> None:
    app = built / "build" / "app"
    done = run(app, "--check")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("golden vectors pass") == 3
    lines, expected = forecast_lines(models)
    done = run(app, "--model", "forecast", "-", input=lines)
    assert done.returncode == 0, done.stderr
    assert np.abs(rows_of(done.stdout) - expected).max() < ANOTHER_DEVICE * output_scale(expected)
    samples = write_wave(tmp_path / "sound.wav", 8000, 0.5)
    done = run(app, "--model", "spotter", tmp_path / "sound.wav")
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == best_words(models, samples)


def test_several_inputs_and_outputs_come_as_lines(built: Path, models: dict[str, Path]) -> None:
    random = np.random.default_rng(5)
    x, token = random.standard_normal((6, 3)).astype(np.float32), random.integers(0, 10, 6)
    lines = "".join(
        " ".join([*map(repr, map(float, row)), str(number)]) + "\n"
        for row, number in zip(x, token, strict=True)
    )
    done = run(built / "build" / "app", "--model", "several", "-", input=lines)
    assert done.returncode == 0, done.stderr
    stream = edgernn.load(models["several"]).stream()
    for at in range(0, 6, 2):
        push = stream.push(x[None, at : at + 2], token[None, at : at + 2])
        assert isinstance(push, dict)
        for name, array in push.items():
            answers = [
                line.split("\t")[1] for line in done.stdout.splitlines() if line.startswith(f"{name}\t")
            ]
            found = rows_of("\n".join(answers[at : at + 2]))
            assert np.abs(found.reshape(-1) - array.reshape(-1)).max() <= ANOTHER_DEVICE * output_scale(array)


@pytest.mark.parametrize("change", [change_golden, change_weights])
@pytest.mark.parametrize("name", ["spotter", "forecast"])
def test_it_refuses_what_differs(
    built: Path, tmp_path: Path, change: Callable[[Path, str], None], name: str
) -> None:
    place = tmp_path / "app" / "models"
    shutil.copytree(built / "models", place)
    if change is change_weights:
        # The digest stands in the program: the model and its golden vectors keep the old one.
        golden, initial = ((place / name / file).read_bytes() for file in ("golden.json", "initial.bin"))
        change(place, name)
        (place / name / "golden.json").write_bytes(golden)
        (place / name / "initial.bin").write_bytes(initial)
    else:
        change(place, name)
    done = run(built / "build" / "app", "--models", place, "--model", name, "-")
    assert done.returncode == 1
    assert "refused: " in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "text", "told"),
    [
        (("--model", "forecast", "-"), "1\n", "line 1 holds 1 values"),
        (("--model", "forecast", "-"), "1 2\n1 nan\n", "no finite number"),
        (("--model", "other"), "", "has no other"),
        (("--speed",), "", "unknown option"),
        (("--models", "nowhere"), "", "cannot read"),
        (("--kernels", "nowhere.so", "--check"), "", "kernels"),
        (("--model", "spotter", "nowhere.wav"), "", "not a .wav file"),
        (("--model", "forecast", "nowhere.wav"), "", "no waveform"),
    ],
)
def test_wrong_use_is_told(built: Path, words: tuple[str, ...], text: str, told: str) -> None:
    done = run(built / "build" / "app", *words, input=text)
    assert done.returncode == 2
    assert told in done.stderr


@pytest.mark.parametrize(
    "damage", [b"{", b"[1,", b'{"format":1}', b"", b'{"a":"\\u0041"}', b"[" * 100, b"nonsense"]
)
def test_a_damaged_golden_file_is_told(built: Path, tmp_path: Path, damage: bytes) -> None:
    place = tmp_path / "models"
    shutil.copytree(built / "models", place)
    (place / "forecast" / "golden.json").write_bytes(damage)
    done = run(built / "build" / "app", "--models", place, "--model", "forecast", "-")
    assert done.returncode in (1, 2)
    assert "golden.json" in done.stderr


def test_a_push_allocates_nothing(built: Path, tmp_path: Path, ort_definitions: list[str]) -> None:
    include, library = (item.partition("=")[2] for item in ort_definitions)
    sources = [Path(__file__).with_name("allocations.cpp"), built / "build" / "libstreams.a"]
    words = ["g++", "-std=c++17", "-O1", f"-I{built}", f"-I{include}", *sources, library, "-ldl"]
    done = run(*words, f"-Wl,-rpath,{built / 'build'}", "-o", tmp_path / "allocations")
    assert done.returncode == 0, done.stderr
    done = run(tmp_path / "allocations", built / "models" / "spotter")
    assert done.returncode == 0, done.stderr
    prepared, unprepared, _ = map(int, done.stdout.split())
    assert prepared == 0
    assert unprepared > 0  # so that the count counts


def test_a_library_of_operators_is_registered(
    built: Path, tmp_path: Path, ort_definitions: list[str]
) -> None:
    include = ort_definitions[0].partition("=")[2]
    library = tmp_path / "operators.so"
    source = Path(__file__).with_name("operators.cpp")
    done = run("g++", "-shared", "-fPIC", f"-I{include}", source, "-o", library)
    assert done.returncode == 0, done.stderr
    done = run(built / "build" / "app", "--kernels", library, "--check")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("registered with onnxruntime") == 3


def test_edgernns_kernels_run_a_quantized_model(
    models: dict[str, Path], tmp_path: Path, ort_definitions: list[str], library: Path
) -> None:
    """Golden vectors come from onnxruntime alone; the kernels' results are near enough, and not the same."""
    edgernn.quantize(models["forecast"], tmp_path / "forecast.onnx")
    edgernn.bundle([tmp_path / "forecast.onnx"], tmp_path / "app", target="cpp")
    for command in (
        ["cmake", "-S", "app", "-B", "app/build", *ort_definitions],
        ["cmake", "--build", "app/build"],
    ):
        done = run(*command, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
    alone = run(tmp_path / "app" / "build" / "app", "--check")
    on_kernels = run(tmp_path / "app" / "build" / "app", "--check", "--kernels", library)
    assert (alone.returncode, on_kernels.returncode) == (0, 0), on_kernels.stderr
    assert alone.stderr != on_kernels.stderr


# onnxruntime asks for a copy of four bytes onto themselves when it loads a model.
SUPPRESSED = """{
   onnxruntime copies in place
   Memcheck:Overlap
   fun:__memcpy_chk
   obj:*libonnxruntime.so*
}
"""
BROKEN = "int main() { char* memory = new char[4]; memory[4] = 1; return 0; }"


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="needs valgrind")
def test_valgrind_finds_nothing(built: Path, models: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "suppressed").write_text(SUPPRESSED)
    (tmp_path / "broken.cpp").write_text(BROKEN)
    assert run("g++", "-g", tmp_path / "broken.cpp", "-o", tmp_path / "broken").returncode == 0
    words = ["valgrind", "--quiet", "--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=definite"]
    words += ["--errors-for-leak-kinds=definite", f"--suppressions={tmp_path / 'suppressed'}"]
    assert run(*words, tmp_path / "broken").returncode == 9
    lines, _ = forecast_lines(models)
    done = run(*words, built / "build" / "app", "--model", "forecast", "-", input=lines)
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(done.stdout.splitlines()) == len(lines.splitlines())


def test_the_ort_format_runs(
    ort_definitions: list[str], built: Path, models: dict[str, Path], tmp_path: Path
) -> None:
    edgernn.bundle(list(models.values()), tmp_path / "ort", target="cpp", format="ort")
    for command in (
        ["cmake", "-S", "ort", "-B", "ort/build", *ort_definitions],
        ["cmake", "--build", "ort/build"],
    ):
        assert run(*command, cwd=tmp_path).returncode == 0
    done = run(tmp_path / "ort" / "build" / "app", "--check")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("golden vectors pass") == 3
