"""Finding, building and refusing libraries, and what a session says of them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import edgernn
from edgernn import kernels
from edgernn.errors import InputError, KernelError
from edgernn.kernels.build import build, find_header

from .conftest import processor


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An int8 GRU, whose layer is a function."""
    folder = tmp_path_factory.mktemp("file")
    torch.manual_seed(0)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gru = nn.GRU(6, 20, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y: torch.Tensor = self.gru(x)[0]
            return y

    edgernn.export(Network().eval(), folder / "plain.onnx", torch.randn(1, 5, 6), check=False)
    edgernn.quantize(folder / "plain.onnx", folder / "int8.onnx")
    return folder / "int8.onnx"


@pytest.fixture
def nothing_at_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, and no variable: the folder where a build would stand."""
    monkeypatch.delenv(kernels.VARIABLE, raising=False)
    monkeypatch.setattr(kernels, "user_cache", lambda: tmp_path)
    monkeypatch.setattr(kernels, "wheel_library", lambda: tmp_path / "wheel" / kernels.library_name())
    return tmp_path


def test_a_session_says_what_came_of_the_kernels(
    file: Path, library: Path, nothing_at_hand: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert edgernn.load(file, kernels="off").kernels.reason == "they are switched off"
    assert "edgernn kernels build" in edgernn.load(file).kernels.reason

    built = kernels.built_library()
    built.parent.mkdir(parents=True)
    shutil.copyfile(library, built)
    used = edgernn.load(file).kernels
    assert used.library == built
    assert used.functions == ("GRU_int8",)
    assert not used.reason

    plain = file.with_name("plain.onnx")
    assert "no functions" in edgernn.load(plain).kernels.reason
    assert not edgernn.load(plain, kernels=library).kernels.functions
    monkeypatch.setenv(kernels.VARIABLE, kernels.OFF)
    assert not edgernn.load(file).kernels.functions


def test_a_build_of_other_sources_is_not_taken(
    file: Path, library: Path, nothing_at_hand: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = kernels.built_library()
    built.parent.mkdir(parents=True)
    shutil.copyfile(library, built)
    monkeypatch.setattr(kernels, "source_digest", lambda: "0" * 64)
    assert not edgernn.load(file).kernels.functions


def test_plain_code_is_not_taken_unless_it_is_forced(
    file: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(kernels.VARIABLE, str(library))
    slow = kernels.Library(library, kernels.PLAIN, (kernels.PLAIN,), forced=False)
    monkeypatch.setattr(kernels, "find", lambda: slow)
    assert "instructions" in edgernn.load(file).kernels.reason
    assert edgernn.load(file, kernels=library).kernels.functions


def test_what_cannot_be_used_is_refused(
    file: Path, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="no file at"):
        edgernn.load(file, kernels=tmp_path / "missing.so")
    text = tmp_path / "text.so"
    text.write_text("no library")
    with pytest.raises(KernelError, match="no library of edgernn's kernels"):
        edgernn.load(file, kernels=text)
    monkeypatch.setenv(kernels.SET_VARIABLE, "avx1024")
    with pytest.raises(KernelError, match=r"'avx1024'.*have: .*plain"):
        edgernn.load(file, kernels=library)
    assert kernels.open_library(library).instruction_set is None


def test_a_node_that_no_kernel_can_run_falls_back_and_says_so(
    file: Path, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file whose node has an attribute that only the operator knows."""
    import onnx

    model = onnx.load(file)
    node = next(node for node in model.graph.node if node.op_type == "GRU_int8")
    node.attribute.append(onnx.helper.make_attribute("layout", 1))
    broken = tmp_path / "broken.onnx"
    onnx.save(model, broken)
    monkeypatch.setenv(kernels.VARIABLE, str(library))
    used = edgernn.load(broken).kernels
    assert not used.functions
    assert "layout must be 0" in used.reason
    with pytest.raises(edgernn.EdgeRNNError, match="layout must be 0"):
        edgernn.load(broken, kernels=library)


def test_weights_that_do_not_fit_are_refused(file: Path, library: Path, tmp_path: Path) -> None:
    import onnx
    from onnx import numpy_helper

    for name, cut in (
        ("W_scale", lambda a: a[:, 1:]),
        ("R_int8", lambda a: a[:, :, 1:]),
        ("B", lambda a: a[:, 1:]),
    ):
        model = onnx.load(file)
        matches = [tensor for tensor in model.graph.initializer if tensor.name.endswith(name)]
        assert len(matches) == 1, [tensor.name for tensor in model.graph.initializer]
        changed = numpy_helper.from_array(cut(numpy_helper.to_array(matches[0])).copy(), matches[0].name)
        matches[0].CopyFrom(changed)
        onnx.save(model, tmp_path / "wrong.onnx")
        with pytest.raises(edgernn.EdgeRNNError, match=r"GRU_int8: .*(expected|fit)"):
            edgernn.load(tmp_path / "wrong.onnx", kernels=library)


def test_the_header_is_looked_for_and_its_absence_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "include" / "onnxruntime").mkdir(parents=True)
    (tmp_path / "include" / "onnxruntime" / "onnxruntime_c_api.h").touch()
    assert find_header(tmp_path).name == "onnxruntime"
    with pytest.raises(InputError, match="libonnxruntime-dev"):
        find_header(tmp_path / "include" / "other")
    monkeypatch.setattr("edgernn.kernels.build._FOLDERS", ())
    with pytest.raises(InputError, match="--ort-include"):
        find_header()


def test_a_build_that_fails_says_why_and_leaves_nothing(
    header: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "source"
    shutil.copytree(kernels.SOURCE, broken)
    (broken / "storage.cpp").write_text("this is no C++\n")
    monkeypatch.setattr("edgernn.kernels.build.SOURCE", broken)
    with pytest.raises(KernelError, match=r"(?s)building the kernels failed.*storage\.cpp"):
        build(tmp_path / "out.so", ort_include=header)
    assert not (tmp_path / "out.so").exists()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(KernelError, match="apt-get install cmake"):
        build(tmp_path / "out.so", ort_include=header)


@pytest.mark.slow
def test_the_command_builds_shows_and_refuses(header: Path, tmp_path: Path) -> None:
    def call(*words: object, variable: str = "") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": shutil.os.environ["PATH"], "XDG_CACHE_HOME": str(tmp_path)}
        if variable:
            environment[kernels.VARIABLE] = variable
        command = [sys.executable, "-m", "edgernn.cli", "kernels", *map(str, words), "--json"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert json.loads(call().stdout)["library"] is None
    built = call("build", "--ort-include", header)
    assert built.returncode == 0, built.stderr
    assert json.loads(built.stdout)["library"].startswith(str(tmp_path))
    shown = json.loads(call().stdout)
    assert shown == json.loads(built.stdout)
    assert shown["instruction_set"] == shown["available"][0]
    assert json.loads(call(variable="off").stdout)["library"] is None
    wrong = call("show", "--output", tmp_path / "x.so")
    assert wrong.returncode == 2
    assert "kernels build" in wrong.stderr


def test_no_set_hands_its_instructions_to_the_rest(compiled: Callable[..., Path]) -> None:
    """A weak symbol of one set's file could become the library's only copy, on processors without the set."""
    if shutil.which("nm") is None:
        pytest.skip("needs nm: apt-get install binutils")
    folder = compiled("program", None)
    objects = [path for path in folder.rglob("*.o") if path.parent.name == "sets"]
    assert len(objects) == {"x86_64": 5, "aarch64": 3}[processor()]
    for path in objects:
        listed = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
        assert not [line for line in listed.splitlines() if line.split()[-2] in "WVu"], path.name


def test_control_a_weak_symbol_is_seen(tmp_path: Path) -> None:
    if shutil.which("c++") is None or shutil.which("nm") is None:
        pytest.skip("needs a C++ compiler and nm: apt-get install g++")
    source = tmp_path / "weak.cpp"
    source.write_text("template <class T> T twice(T x) { return x + x; }\ntemplate int twice(int);\n")
    subprocess.run(["c++", "-c", source, "-o", tmp_path / "weak.o"], check=True)
    listed = subprocess.run(["nm", tmp_path / "weak.o"], capture_output=True, text=True, check=True).stdout
    assert [line for line in listed.splitlines() if line.split()[-2] in "WVu"]
