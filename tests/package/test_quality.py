"""What every file of the project keeps: style, types, size, no leftovers, nothing that runs what it reads."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LARGEST_FILE = 400
IGNORED = ("__pycache__", ".cache", "_cache", ".egg-info", ".hypothesis")

# In pieces, so that this file holds none of them.
LEFTOVERS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "H" + "ACK"]) + r")\b")
HOSTS = re.compile(r"\b(pypi|pythonhosted|anaconda|pytorch|huggingface)\.(org|com|co)\b")
PLACES = re.compile(r"\.\./" + r"shared|(?<![\w.])/" + r"work/")


def files(*folders: str) -> Iterator[Path]:
    """The files of the project, or of some of its folders; not what tools leave behind."""
    for name in folders or ("edgernn", "recipes", "tests", "tools", "examples", ".ci"):
        for path in sorted((ROOT / name).rglob("*")):
            if path.is_file() and not any(part.endswith(IGNORED) for part in path.parts):
                yield path
    if not folders:
        yield from (ROOT / name for name in ("README.md", "pyproject.toml", ".gitignore"))


def text_of(path: Path) -> str:
    """A file's text; empty for a picture or another binary file."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def run(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a module of this Python."""
    # Tools color their output where they are told that it goes to a terminal.
    environment = {**os.environ, "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_ruff_has_no_complaints() -> None:
    found = run("ruff", "check", "--no-cache", ".")
    assert found.returncode == 0, found.stdout + found.stderr


def test_everything_is_formatted() -> None:
    found = run("ruff", "format", "--no-cache", "--check", ".")
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.slow
def test_the_types_fit(tmp_path: Path) -> None:
    # Folders of recipes are named as on the command line, which Python names cannot be: checked as copies.
    settings = (ROOT / "pyproject.toml").read_text("utf-8")
    (tmp_path / "pyproject.toml").write_text(re.sub(r"(?m)^exclude = .*$", "", settings), "utf-8")
    (tmp_path / "edgernn").symlink_to(ROOT / "edgernn")
    for file in (ROOT / "recipes").glob("*/*.py"):
        copy = tmp_path / "recipes" / file.parent.name.replace("-", "_") / file.name
        copy.parent.mkdir(parents=True)
        shutil.copy(file, copy)
    found = run("mypy", "--cache-dir", str(tmp_path / "cache"), cwd=tmp_path)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.slow
def test_the_tools_see_what_is_wrong(tmp_path: Path) -> None:
    """With the project's own settings, one file with everything wrong in it."""
    settings = (ROOT / "pyproject.toml").read_text("utf-8")
    (tmp_path / "pyproject.toml").write_text(
        re.sub(r"(?m)^files = .*$", 'files = ["wrong.py"]', settings), "utf-8"
    )
    (tmp_path / "wrong.py").write_text("import os\ndef f(a: int):\n  return a + 'x'\n")
    checked = run("ruff", "check", "--no-cache", ".", cwd=tmp_path)
    assert {"F401", "D103"} <= set(re.findall(r"\b[A-Z]+\d{3}\b", checked.stdout))
    assert run("ruff", "format", "--no-cache", "--check", ".", cwd=tmp_path).returncode == 1
    types = run("mypy", "--cache-dir", str(tmp_path / "cache"), cwd=tmp_path).stdout
    assert "[no-untyped-def]" in types
    assert "[operator]" in types


def too_long(text: str) -> list[str]:
    """Whether a file has outgrown its one purpose."""
    lines = len(text.splitlines())
    return [f"{lines} lines, at most {LARGEST_FILE}"] if lines > LARGEST_FILE else []


def leftovers(text: str) -> list[str]:
    """Marks of unfinished work, hosts that only some machines reach, places of one machine."""
    # .ci/run looks for data beside a checkout.
    kept = [line for line in text.splitlines() if "EDGERNN_DATA" not in line and "-d ../" not in line]
    return [found[0] for line in kept for rule in (LEFTOVERS, HOSTS, PLACES) if (found := rule.search(line))]


def unwritten(text: str) -> list[str]:
    """Functions that raise NotImplementedError and are not abstract."""
    return [
        f"{function.name} is not implemented"
        for function in ast.walk(ast.parse(text))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        and not any("abstract" in ast.unparse(decorator) for decorator in function.decorator_list)
        and any(
            isinstance(node, ast.Raise)
            and node.exc is not None
            and "NotImplementedError" in ast.unparse(node.exc)
            for node in ast.walk(function)
        )
    ]


RUNS_WHAT_IT_READS = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "jsonpickle"}


def unsafe(text: str) -> list[str]:
    """Reading that may run what it reads: pickles, whole or hidden in .pt and .npy files, eval and exec."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            names = []
        found += [name for name in names if name.partition(".")[0] in RUNS_WHAT_IT_READS]
        if isinstance(node, ast.Call):
            called, words = (
                ast.unparse(node.func),
                {item.arg: ast.unparse(item.value) for item in node.keywords},
            )
            if called in ("torch.load", "load_from_checkpoint") and words.get("weights_only") != "True":
                found.append(f"{called} without weights_only=True")
            if words.get("allow_pickle", "False") != "False":
                found.append(f"{called} with allow_pickle")
            if called in ("eval", "exec", "yaml.load"):
                found.append(called)
    return found


CHECKS: dict[Callable[[str], list[str]], tuple[str, ...]] = {
    too_long: ("edgernn", "recipes", "tools", "tests"),
    leftovers: (),
    unwritten: ("edgernn", "recipes", "tools"),
    unsafe: ("edgernn", "recipes", "tools", "examples"),
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_no_file_breaks_the_rule(check: Callable[[str], list[str]]) -> None:
    complaints = []
    read = 0
    for path in files(*CHECKS[check]):
        if CHECKS[check] and path.suffix != ".py":
            continue
        read += 1
        complaints += [f"{path.relative_to(ROOT)}: {found}" for found in check(text_of(path))]
    assert complaints == []
    assert read > 5


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (too_long, "a\n" * (LARGEST_FILE + 1)),
        (leftovers, "x = 1  # " + "TO" + "DO: more"),
        (leftovers, "see https://files.pythonhosted" + ".org/a.whl"),
        (leftovers, "pip install --index-url https://download.pytorch" + ".org/whl/cpu torch"),
        (leftovers, 'DATA = "../' + 'shared/data"'),
        (leftovers, 'DATA = "/' + 'work/data"'),
        (unwritten, "class A:\n    def f(self):\n        raise NotImplementedError('later')"),
        (unsafe, "import pickle"),
        (unsafe, "def f():\n    from joblib.memory import Memory"),
        (unsafe, "torch.load(path)"),
        (unsafe, "torch.load(path, weights_only=False)"),
        (unsafe, "np.load(path, allow_pickle=True)"),
        (unsafe, "eval(text)"),
    ],
)
def test_a_broken_rule_is_found(check: Callable[[str], list[str]], text: str) -> None:
    assert len(check(text)) == 1


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (too_long, "a\n" * LARGEST_FILE),
        (leftovers, "a method " + "to do it, in work/data, with pytorch; network/work/x"),
        (unwritten, "class A:\n    @abc.abstractmethod\n    def f(self):\n        raise NotImplementedError"),
        (
            unsafe,
            "import pickletools_of_mine\ntorch.load(path, weights_only=True)\nmodel.eval()",
        ),
    ],
)
def test_a_kept_rule_is_none(check: Callable[[str], list[str]], text: str) -> None:
    assert check(text) == []
