"""`import edgernn` costs nothing, and every public name is there when it is asked for."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

import edgernn
from edgernn import _PUBLIC
from edgernn.errors import EdgeRNNError

VERBS = ("bench", "bundle", "export", "quantize", "verify")
HEAVY = {"torch", "onnx", "onnx_ir", "onnxruntime", "onnxscript", "numpy", "typer", "lightning", "pandas"}


def run(code: str) -> str:
    """What a new interpreter prints."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_importing_the_package_imports_nothing_heavy() -> None:
    found = run("import sys, edgernn; dir(edgernn); print(*{name.split('.')[0] for name in sys.modules})")
    assert not HEAVY & set(found.split())


def test_all_public_names_are_listed_once() -> None:
    assert sorted(edgernn.__all__) == sorted(set(edgernn.__all__)) == sorted(_PUBLIC)
    assert set(edgernn.__all__) <= set(dir(edgernn))


@pytest.mark.parametrize("name", edgernn.__all__)
def test_a_public_name_is_the_one_of_its_module(name: str) -> None:
    value = getattr(edgernn, name)
    assert value is getattr(importlib.import_module(_PUBLIC[name]), name)
    assert inspect.isfunction(value) or inspect.isclass(value)
    assert inspect.getdoc(value)


@pytest.mark.parametrize("first", ["module", "function"])
def test_the_verbs_stay_functions(first: str) -> None:
    """Python binds a submodule to its package at its first import, which must not hide the function."""
    asked = "[getattr(edgernn, verb) for verb in verbs]"
    imported = "[importlib.import_module('edgernn.' + verb) for verb in verbs]"
    lines = [imported, asked] if first == "module" else [asked, imported]
    code = f"import importlib, edgernn; verbs = {VERBS}\n" + "\n".join(lines)
    assert run(f"{code}\nprint(*(type(getattr(edgernn, verb)).__name__ for verb in verbs))") == " ".join(
        ["function"] * len(VERBS)
    )


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'transformer'"):
        _ = edgernn.transformer


BLOCKED = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Block())
import edgernn
try:
    edgernn.{public}
except edgernn.EdgeRNNError as error:
    print(isinstance(error, ImportError), error)
"""


@pytest.mark.parametrize(
    ("package", "public", "extra"),
    [("torch", "Recurrent", "export"), ("torch", "export", "export"), ("onnx_ir", "quantize", "export")],
)
def test_a_missing_package_names_the_extra_that_brings_it(package: str, public: str, extra: str) -> None:
    found = run(BLOCKED.format(package=package, public=public))
    assert found == (
        f"True edgernn.{public} needs the package {package!r}, which is not installed. "
        f"Install it with: pip install 'edgernn[{extra}]'"
    )


def test_the_runtime_works_without_torch() -> None:
    assert run(BLOCKED.format(package="torch", public="load") + "print(edgernn.load.__name__)") == "load"


def test_the_errors_are_one_tree() -> None:
    from edgernn import errors

    kinds = [
        value
        for _, value in inspect.getmembers(errors, inspect.isclass)
        if value.__module__ == errors.__name__
    ]
    assert all(issubclass(kind, EdgeRNNError) for kind in kinds)
    assert issubclass(errors.InputError, ValueError)
    assert issubclass(errors.StreamingError, errors.ExportError)
