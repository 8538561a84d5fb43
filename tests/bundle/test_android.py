"""The Kotlin of the Android bundle is compiled, and run with a stand-in for onnxruntime's classes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edgernn
from edgernn.verify.report import output_scale
from edgernn.verify.tolerances import ANOTHER_DEVICE
from tests.once import made_once

from .conftest import change_golden, corrupt_model, rewritten, rows_of
from .test_hostile import poison

STANDIN = Path(__file__).with_name("standin")
JSON = Path("/usr/share/java/com.android.json.jar")
SOURCES = "app/src/main/kotlin/edge"


def run(*words: object, input: str = "") -> subprocess.CompletedProcess[str]:
    """Run a program."""
    command = [str(word) for word in words]
    return subprocess.run(command, input=input, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="session")
def compile_kotlin(
    npm_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path, Path], list[str]]:
    """Compiles a bundle's Kotlin and a program around it; gives the command that runs the program."""
    if shutil.which("javac") is None or not JSON.is_file():
        pytest.skip("needs the Debian packages default-jdk-headless and libandroid-json-java")

    def compile_standin(folder: Path) -> None:
        done = run("javac", "-d", folder, *STANDIN.glob("ai/onnxruntime/*.java"))
        assert done.returncode == 0, done.stderr

    classes = made_once(tmp_path_factory, "bundle-standin", compile_standin)
    kotlin = npm_folder / "node_modules" / "kotlin-compiler" / "lib"

    def compile_app(folder: Path, target: Path) -> list[str]:
        names = ("Runtime.kt", "Rows.kt", "Streams.kt")
        command = [
            "java",
            "-Xmx1g",
            "-cp",
            kotlin / "kotlin-compiler.jar",
            "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler",
        ]
        done = run(
            *command, "-no-stdlib", "-Werror", "-cp", f"{classes}:{JSON}:{kotlin / 'kotlin-stdlib.jar'}",
            *(folder / SOURCES / name for name in names), STANDIN / "Check.kt", "-d", target,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        path = f"{target}:{classes}:{JSON}:{kotlin / 'kotlin-stdlib.jar'}"
        settings = [f"-Dstandin.python={sys.executable}", f"-Dstandin.serve={STANDIN / 'serve.py'}"]
        return ["java", "-cp", path, *settings, "CheckKt", str(folder / "app/src/main/assets/models")]

    return compile_app


@pytest.mark.slow
def test_kotlin_gives_what_edgernn_gives_and_refuses_what_differs(
    compile_kotlin: Callable[[Path, Path], list[str]], models: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "app"
    hostile = rewritten(models["forecast"], tmp_path / "1; evil().onnx", poison)
    edgernn.bundle([models["spotter"], hostile, models["several"]], folder, target="android")
    command = compile_kotlin(folder, tmp_path / "classes")
    random = np.random.default_rng(5)
    x, token = random.standard_normal((6, 3)).astype(np.float32), random.integers(0, 10, 6)
    rows = [[*map(float, row), int(number)] for row, number in zip(x, token, strict=True)]
    done = run(*command, "several", input="\n".join(" ".join(map(repr, row)) for row in rows))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("golden vectors pass") == 3
    assert "a multiple of 80 steps, found 81" in done.stderr
    assert done.stderr.count("of another model, or damaged") == 6
    stream = edgernn.load(models["several"]).stream()
    pushes = [stream.push(x[None, at : at + 2], token[None, at : at + 2]) for at in range(0, 6, 2)]
    for name in ("scores", "hidden", "class"):
        answers = [line.split("\t")[1] for line in done.stdout.splitlines() if line.startswith(f"{name}\t")]
        expected = np.stack([push[name].reshape(-1) for push in pushes if isinstance(push, dict)])
        assert np.abs(rows_of("\n".join(answers)) - expected).max() <= ANOTHER_DEVICE * output_scale(expected)
    place = folder / "app/src/main/assets/models"
    for change, name in ((change_golden, "spotter"), (corrupt_model, "spotter")):
        kept = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
        change(place, name)
        done = run(*command, "")
        assert done.returncode == 1, done.stderr
        assert "refused: " in done.stderr
        for path, data in kept.items():
            path.write_bytes(data)


def test_the_build_files_are_whole(models: dict[str, Path], tmp_path: Path) -> None:
    folder = tmp_path / "app"
    edgernn.bundle(models["spotter"], folder, target="android")
    manifest = ElementTree.parse(folder / "app/src/main/AndroidManifest.xml").getroot()
    name = "{http://schemas.android.com/apk/res/android}name"
    (activity,) = manifest.iter("activity")
    assert activity.get(name) == "edge.MainActivity"
    assert "class MainActivity" in (folder / SOURCES / "MainActivity.kt").read_text()
    for file in ("settings.gradle.kts", "build.gradle.kts", "app/build.gradle.kts"):
        text = (folder / file).read_text()
        assert text.count("{") == text.count("}")
    assert 'namespace = "edge.spotter"' in (folder / "app/build.gradle.kts").read_text()
