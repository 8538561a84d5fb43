"""Imports go one way."""

from __future__ import annotations

from pathlib import Path

import pytest

from .import_rules import ALLOWED, check, imports

ROOT = Path(__file__).parents[2]


def test_imports_go_one_way() -> None:
    assert check(ROOT) == []


def test_the_checker_sees_the_whole_package() -> None:
    found = list(imports(ROOT))
    files = {item.file for item in found}
    with_imports = [
        file
        for folder in ("edgernn", "recipes")
        for file in (ROOT / folder).rglob("*.py")
        if "import " in file.read_text(encoding="utf-8") and file != ROOT / "edgernn" / "__init__.py"
    ]
    assert set(with_imports) <= files
    assert {item.part for item in found} <= set(ALLOWED)


def test_the_order_has_no_circle() -> None:
    """Two parts that may import each other have no order; only the verbs at the top see each other."""
    top = {
        "verify", "bench", "export", "export_folder", "export_greedy", "source", "quickstart", "tune",
        "bundle",
    }  # fmt: skip
    circles = {
        (part, other)
        for part, others in ALLOWED.items()
        for other in others - {part}
        if part in ALLOWED.get(other, set()) and not {part, other} <= top
    }
    assert circles == set()


@pytest.mark.parametrize(
    ("file", "line", "complaint"),
    [
        ("runtime/session.py", "import torch", "runtime imports the package torch"),
        (
            "runtime/session.py",
            "from edgernn.graph.build import build",
            "runtime imports edgernn.graph.build",
        ),
        ("layers.py", "from edgernn.graph import passes", "layers imports edgernn.graph"),
        ("models/net.py", "def f():\n    from edgernn import export", "models imports edgernn.export"),
        ("training/fit.py", "from ..streaming import flow", "training imports edgernn.streaming"),
        ("models/net.py", "import edgernn\nedgernn.verify()", "models imports edgernn.verify"),
        ("streaming/flow.py", "from edgernn import load", "streaming imports edgernn.runtime"),
        ("graph/build.py", "from edgernn import runtime", "graph imports edgernn.runtime"),
        ("graph/build.py", "import edgernn.verify", "graph imports edgernn.verify"),
        ("verify/report.py", "from edgernn.cli import main", "verify imports edgernn.cli"),
        ("quantize/int8.py", "from torch import nn", "quantize imports the package torch"),
        ("reference/rnn.py", "import scipy", "reference imports the package scipy"),
        ("errors.py", "from edgernn.files import write_text", "errors imports edgernn.files"),
        ("novelty.py", "from edgernn.errors import EdgeRNNError", "novelty has no place"),
    ],
)
def test_a_backward_import_is_found(tmp_path: Path, file: str, line: str, complaint: str) -> None:
    target = tmp_path / "edgernn" / file
    target.parent.mkdir(parents=True)
    target.write_text(f"import json\n{line}\n")
    (found,) = check(tmp_path)
    assert complaint in found
    assert file in found


def test_a_forward_import_is_none(tmp_path: Path) -> None:
    target = tmp_path / "edgernn" / "verify" / "__init__.py"
    target.parent.mkdir(parents=True)
    lines = ["import torch", "from edgernn.runtime import load", "from . import report"]
    target.write_text("\n".join([*lines, "import edgernn", "edgernn.__version__", "edgernn.load"]))
    assert check(tmp_path) == []
