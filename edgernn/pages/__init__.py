"""What reports share: pages of one file in one style, and figures for them."""

from __future__ import annotations

import base64
from importlib.resources import files
from pathlib import Path
from typing import Any

from edgernn.errors import MissingDependencyError
from edgernn.files import atomic_path, write_text

INK, GRID = "#1f2933", "#d9dee4"
TRUTH, MODEL, BASELINE, ACCENT = "#1f2933", "#d1495b", "#9aa5b1", "#00798c"


def require_report_packages() -> None:
    """Raise MissingDependencyError where a package that draws and writes reports is missing."""
    try:
        import jinja2  # noqa: F401
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"a report with pictures needs the package {error.name!r}, which is not installed. "
            "Install it with: pip install 'edgernn[train]'"
        ) from error


def figure(width: float, height: float) -> tuple[Any, Any]:
    """A figure of so many inches without a window, and its axes, in the reports' style.

    Raises MissingDependencyError where matplotlib is missing.
    """
    made, (axes,) = panels(width, height)
    return made, axes


def panels(width: float, height: float, *, rows: int = 1, columns: int = 1) -> tuple[Any, tuple[Any, ...]]:
    """As `figure`, with several axes, row by row; those above one another share theirs below."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "a picture needs the package 'matplotlib', which is not installed. "
            "Install it with: pip install 'edgernn[train]'"
        ) from error

    made = Figure(figsize=(width, height), dpi=130, layout="constrained")
    FigureCanvasAgg(made)
    drawn = tuple(made.subplots(rows, columns, sharex="col" if rows > 1 else "none", squeeze=False).flat)
    for axes in drawn:
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(GRID)
        axes.tick_params(colors=INK, labelsize=9)
        axes.grid(True, color=GRID, linewidth=0.6)
        axes.set_axisbelow(True)
    return made, drawn


def save_figure(drawn: Any, path: Path) -> None:
    """Write a figure as a PNG file, atomically."""
    with atomic_path(path) as temporary:
        drawn.savefig(temporary, format="png", facecolor="white")


def write_html(path: Path, package: str, pictures: dict[str, Path], **values: Any) -> None:
    """Write a page that needs no other file.

    Args:
        path: the file.
        package: the package whose template.html it is; the template extends "base.html".
        pictures: PNG files by the name that the template knows them by.
        values: what the template shows.
    """
    from jinja2 import DictLoader, Environment, StrictUndefined

    templates = {
        "base.html": files("edgernn.pages").joinpath("base.html").read_text("utf-8"),
        "page.html": files(package).joinpath("template.html").read_text("utf-8"),
    }
    environment = Environment(
        loader=DictLoader(templates),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn = {name: embedded(picture, "image/png") for name, picture in pictures.items()}
    write_text(path, environment.get_template("page.html").render(pictures=drawn, **values))


def embedded(file: Path, kind: str) -> str:
    """A file as a link that holds it, for a page that needs no other; `kind` is its media type."""
    return f"data:{kind};base64," + base64.b64encode(file.read_bytes()).decode()
