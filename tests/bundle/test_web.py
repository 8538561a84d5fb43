"""The page runs in headless Chromium: golden vectors, clicks, a microphone, a file, and what it refuses."""

from __future__ import annotations

import http.client
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from .conftest import Bundled, change_golden, change_weights, corrupt_model, forecast_lines, link

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
pytestmark = pytest.mark.slow
BROWSE = Path(__file__).with_name("browse.mjs")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The bundle's own server; gives the address."""
    server = subprocess.Popen(["node", "server.mjs", "0"], cwd=folder, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()


def browse(folder: Path, npm_folder: Path, lines: Path, *more: str) -> dict[str, Any]:
    """What the page shows."""
    if not CHROMIUM:
        pytest.skip("needs chromium, which is a Debian package of this name")
    playwright = npm_folder / "node_modules" / "playwright-core" / "index.mjs"
    with served(folder) as url:
        words = [
            "node",
            str(BROWSE),
            str(playwright),
            CHROMIUM,
            str(lines.parent / "profile"),
            url,
            str(lines),
            *more,
        ]
        done = subprocess.run(words, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def folder(bundled: Bundled, npm_folder: Path) -> Path:
    """The bundle, with its packages."""
    made = bundled("web")
    link(made, npm_folder)
    return made


def test_a_person_can_use_the_page(
    folder: Path, npm_folder: Path, models: dict[str, Path], tmp_path: Path
) -> None:
    text, expected = forecast_lines(models)
    (tmp_path / "lines.csv").write_text(text)
    found = browse(folder, npm_folder, tmp_path / "lines.csv", str(tmp_path / "page.png"))
    assert found["errors"] == []
    assert found["isolated"] is True
    for opened in ("first", "second", "third"):
        assert found[opened]["state"] == "ready", found[opened]
        assert "Golden vectors pass" in found[opened]["text"]
    assert found["random"]["answer"].startswith("word ")
    assert found["random"]["pushes"] >= 60
    assert found["random"]["median"].endswith(" ms")
    assert found["blank"] == 0
    assert found["random"]["colors"] >= 8  # a color for each line
    assert found["reset"] == "0"
    assert found["microphone"].startswith("word ")
    np.testing.assert_allclose(found["forecast"], expected[-1], rtol=6e-3)  # the page shows three digits
    assert "line 2 holds 1 values" in found["wrong"]
    assert (tmp_path / "page.png").stat().st_size > 20_000


@pytest.mark.parametrize("change", [change_golden, change_weights, corrupt_model])
def test_the_page_refuses_what_differs(folder: Path, npm_folder: Path, tmp_path: Path, change: Any) -> None:
    change(folder / "models", "spotter")
    found = browse(folder, npm_folder, tmp_path / "lines.csv")
    assert found["first"]["state"] == "refused", found["first"]
    assert found["first"]["text"].startswith("Refused: ")
    assert found["first"]["enabled"] is False


def test_the_server_gives_this_folder_and_no_other(folder: Path) -> None:
    (folder.parent / "secret.txt").write_text("secret")
    (folder / ".env").write_text("secret")
    answers = {}
    with served(folder) as url:
        for path in (
            "/", "/app.mjs", "/ort/ort.wasm.min.mjs", "/models/spotter/model.onnx",
            "/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/.env",
            "/node_modules/onnxruntime-web/package.json", "/ort/../package.json",
            "/ort/..%2fpackage.json", "/%", "/none", "/models",
        ):  # fmt: skip
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
            connection.putrequest("GET", path, skip_host=False)
            connection.endheaders()
            response = connection.getresponse()
            answers[path] = response.status
            assert b"secret" not in response.read()
            assert response.getheader("Cross-Origin-Embedder-Policy") == "require-corp"
            connection.close()
    good = {"/", "/app.mjs", "/ort/ort.wasm.min.mjs", "/models/spotter/model.onnx", "/ort/../package.json"}
    assert {
        path for path, status in answers.items() if status == 200
    } == good  # the last is this folder's own
