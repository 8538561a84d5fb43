"""report.html: one file, and nothing on it is empty."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from edgernn.quickstart.page import write_page

from .conftest import Quickstart

pytestmark = pytest.mark.slow

# Elements that never hold text.
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Collects a page's tiles, table cells, pictures and references to other files."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        self.tiles: list[str] = []
        self.cells: list[str] = []
        self.pictures: list[str] = []
        self.references: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "img":
            assert named["alt"]
            self.pictures.append(named["src"])
        elif tag in ("script", "link", "iframe", "object"):
            self.references.append(tag)
        self.references += [
            named[name] for name in ("href", "src", "srcset") if name in named and tag != "img"
        ]
        if tag not in VOID:
            self.open.append((tag, named.get("class", "")))
        if tag == "b":
            self.tiles.append("")
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        tags = [tag for tag, _ in self.open]
        if "b" in tags:
            self.tiles[-1] += data
        if "td" in tags:
            self.cells[-1] += data


@pytest.fixture(scope="module")
def page(done: Quickstart) -> Page:
    """The page of the quickstart that ran."""
    return Page((done.folder / "report.html").read_text("utf-8"))


def test_it_needs_no_other_file(done: Quickstart, page: Page) -> None:
    text = (done.folder / "report.html").read_text("utf-8")
    assert page.references == []
    assert "//" not in re.sub(r'src="data:[^"]*"', "", text)
    assert not re.search(r"@import|url\(", text)


def test_its_pictures_are_the_ones_that_were_drawn(done: Quickstart, page: Page) -> None:
    start = "data:image/png;base64,"
    assert all(source.startswith(start) for source in page.pictures)
    embedded = {base64.b64decode(source.removeprefix(start), validate=True) for source in page.pictures}
    drawn = {path.read_bytes() for path in (done.folder / "pictures").iterdir()}
    assert embedded == drawn
    assert len(drawn) == 3
    for picture in drawn:
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 5_000


def test_every_tile_holds_a_number(page: Page) -> None:
    assert len(page.tiles) == 4
    for tile in page.tiles:
        assert re.search(r"\d", tile)
        assert "nan" not in tile


def test_no_cell_is_empty(page: Page, done: Quickstart) -> None:
    assert len(page.cells) > 30
    assert all(cell.strip() for cell in page.cells)
    assert not {"nan", "inf", "None"} & set(page.cells)
    assert page.cells.count("passed") == len(done.report.files)


def test_a_failed_file_is_shown_as_failed(done: Quickstart, tmp_path: Path) -> None:
    from dataclasses import replace

    first, *rest = done.report.files
    report = replace(done.report, files=(replace(first, passed=False), *rest), source="<b>a & b</b>")
    pictures = {
        name: done.folder / "pictures" / f"{name}.png" for name in ("forecast", "training", "latency")
    }
    write_page(tmp_path / "report.html", report, pictures, "edgernn inspect <file>")
    text = (tmp_path / "report.html").read_text("utf-8")
    assert Page(text).cells.count("FAILED") == 1
    checks = sum(file.checks for file in done.report.files)
    assert f"{checks - first.checks} / {checks}" in text
    # What a user's file says of itself is text, whatever it looks like.
    assert "&lt;b&gt;a &amp; b" in text
    assert "edgernn inspect &lt;file&gt;" in text
