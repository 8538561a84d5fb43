"""The tables of README.md that are made from the code; run this file to write them anew.

python tests/package/readme_tables.py
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType, SimpleNamespace
from typing import Any

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
STEPS = 4


def section(text: str, name: str) -> str:
    """What stands between `<!-- begin: name -->` and `<!-- end: name -->`."""
    found = re.findall(rf"(?s)<!-- begin: {name} -->\n(.*?)<!-- end: {name} -->", text)
    if len(found) != 1:
        raise ValueError(f"README.md has {len(found)} sections {name!r}")
    return str(found[0])


def with_section(text: str, name: str, content: str) -> str:
    """The text with another content between the marks."""
    return text.replace(
        f"<!-- begin: {name} -->\n{section(text, name)}", f"<!-- begin: {name} -->\n{content}"
    )


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return f"| {' | '.join(header)} |\n|{'-|' * len(header)}\n{lines}"


def cell_names() -> list[str]:
    """The cells of edgernn/cells/, in the order of the table."""
    from edgernn.cells import find_cells

    return sorted(find_cells(), key=lambda name: (name not in ("RNN", "LSTM", "GRU"), name.lower()))


def cell_columns() -> tuple[str, ...]:
    """How it trains, forms of a sequence, streaming, and the schemes (of the streaming file)."""
    from edgernn.graph.recurrence import form_names
    from edgernn.quantize import scheme_names

    forms = sorted(form_names(), key=lambda name: (name != "op", name))
    return ("train", *forms, "streaming", *scheme_names())


def training(cell: Any) -> str:
    """How `Recurrent` trains a cell, told by what it does with one batch."""
    import torch

    from edgernn.cells.linear import LinearCell

    x = torch.randn(STEPS, 1, cell.input_size)
    if cell.over_time(cell.project(x), cell.initial_state(1)) is None:
        return "step by step" if getattr(cell, "torch_mode", None) is None else "torch's kernel"
    return "parallel over time" if isinstance(cell, LinearCell) else "steps, gradient by hand"


def cell_row(name: str) -> tuple[str, ...]:
    """The cell's line of the table: each form is asked, the streaming file and its schemes are written."""
    import torch

    import edgernn
    from edgernn.cells import find_cells
    from edgernn.errors import ExportError, QuantizationError
    from edgernn.graph.recurrence import find_form, form_names

    # Large enough for a scheme to quantize its matrices.
    cell = find_cells()[name](16, 16)
    layer = edgernn.Recurrent(cell).eval()
    site: Any = SimpleNamespace(layer=SimpleNamespace(cells=(cell,)), steps=STEPS, kernels=False)

    def quantize_either(stream: Path, path: Path, scheme: str) -> None:
        """The streaming file; of a scheme that is for plain operators, an unrolled one."""
        try:
            edgernn.quantize(stream, path, scheme=scheme)
        except QuantizationError:
            x = torch.randn(2, STEPS, 16)
            edgernn.export(layer, path, x, recurrence="unrolled", check=False)
            edgernn.quantize(path, path.with_suffix(".8.onnx"), scheme=scheme, calibration=x.numpy())

    def works(column: str, folder: Path) -> bool:
        if column in form_names():
            return find_form(column).can_write(site) is None
        path, stream = folder / f"{column}.onnx", folder / "streaming.onnx"
        try:
            if column == "streaming":
                edgernn.export(layer, path, torch.randn(1, STEPS, 16), streaming=True, check=False)
            else:
                quantize_either(stream, path, column)
            edgernn.load(path)
        except (ExportError, QuantizationError):
            return False
        return True

    with TemporaryDirectory(prefix="edgernn-readme-") as folder:
        answers = ("yes" if works(column, Path(folder)) else "–" for column in cell_columns()[1:])
        return (f"`{name}`", training(cell), *answers)


def cells() -> str:
    """Which cell goes into which form."""
    return table(("cell", *cell_columns()), [cell_row(name) for name in cell_names()])


def streams() -> str:
    """What streams: the first line of every rule."""
    from edgernn.streaming import rules

    return "".join(f"- {_first_line(module)}\n" for module in _modules(rules))


def commands() -> str:
    """Every command with the first sentence of its help."""
    from edgernn.cli import commands as package

    rows = []
    for module in _modules(package):
        name = module.__name__.rpartition(".")[2].replace("_", "-")
        paragraph = (inspect.getdoc(module.command) or "").split("\n\n")[0]
        rows.append((f"`edgernn {name}`", " ".join(paragraph.split()).rstrip(".")))
    return table(("command", "what it does"), rows)


def targets() -> str:
    """Every target of bundles: what it is, and what runs it."""
    from edgernn.bundle.targets import find_target, target_names

    rows = []
    for name in target_names():
        target = find_target(name)
        rows.append((f"`{name}`", (inspect.getdoc(target) or "").split("\n")[0].rstrip("."), target.RUNTIME))
    return table(("`--target`", "what it is", "runs on"), rows)


def tolerances() -> str:
    """The tolerances of edgernn/verify/tolerances.py."""
    from edgernn.verify.tolerances import SELF_CONSISTENCY, TOLERANCES

    rows = [
        (
            scheme if dtype == "float32" else f"{scheme}, computed in half",
            f"{against:.0e}",
            f"{SELF_CONSISTENCY[dtype, scheme]:.0e}",
        )
        for (dtype, scheme), against in TOLERANCES.items()
    ]
    return table(("weights", "against torch and float64", "one file against itself"), rows)


def scores() -> str:
    """What the recipes reach on real data, as tools/score_recipes.py measured it."""
    spec = importlib.util.spec_from_file_location("score_recipes", ROOT / "tools" / "score_recipes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up there.
    sys.modules["score_recipes"] = module
    spec.loader.exec_module(module)
    return "".join(f"{line}\n" for line in module.score_lines())


def providers() -> str:
    """What `--for` chooses for each provider."""
    from edgernn.placement import known, rules_of

    rows = []
    for name in known():
        form = rules_of(name).FORM
        forms = [one for item in form.recurrences for one in (("op", "scan") if item == "auto" else (item,))]
        words = ", ".join(dict.fromkeys(forms))
        rows.append(
            (f"`{name}`", words, "yes" if form.fixed else "–", _first_line(rules_of(name)).rstrip("."))
        )
    return table(("provider", "recurrent layers as", "fixed", ""), rows)


SECTIONS: dict[str, Callable[[], str]] = {
    "cells": cells,
    "streams": streams,
    "commands": commands,
    "targets": targets,
    "tolerances": tolerances,
    "providers": providers,
    "scores": scores,
}


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for item in sorted(pkgutil.iter_modules(package.__path__), key=lambda item: item.name):
        yield importlib.import_module(f"{package.__name__}.{item.name}")


def _first_line(module: object) -> str:
    return (inspect.getdoc(module) or "").split("\n")[0]


def main() -> None:
    """Write every section of README.md anew."""
    text = README.read_text("utf-8")
    for name, make in SECTIONS.items():
        text = with_section(text, name, make())
    README.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
