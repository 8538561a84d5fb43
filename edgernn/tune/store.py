"""What a search remembers on disk, so that one that was interrupted goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from edgernn.errors import InputError
from edgernn.files import atomic_path, file_digest, write_text
from edgernn.tune.report import FileResult

_MEMORY, _FILES, _VERSION = "files.json", "files", 1


class Store:
    """The folder of a search: its files and what is known of each.

    Args:
        folder: made where it is missing.
        question: what the search asks: network, example, budget. An answer to another question is no use.

    Raises:
        InputError: where the folder holds something else, or the answers to another question.
    """

    def __init__(self, folder: Path, question: dict[str, Any]) -> None:
        self.folder = folder
        self._question = json.loads(json.dumps(question))
        self._results: dict[str, FileResult] = {}
        memory = folder / _MEMORY
        if memory.exists():
            self._read(memory)
        elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(
                f"out: {str(folder)!r} is not the folder of a search, and not empty; name another."
            )
        self.files.mkdir(parents=True, exist_ok=True)

    @property
    def files(self) -> Path:
        """Where the tried files stand."""
        return self.folder / _FILES

    def path(self, name: str) -> Path:
        """Where the file of a name stands."""
        return self.files / name

    def known(self, name: str) -> FileResult | None:
        """What an earlier search found of a file that is still as it was; None where it must be made."""
        found = self._results.get(name)
        if found is None or found.dropped:
            return found
        path = self.path(name)
        return found if path.is_file() and file_digest(path) == found.sha256 else None

    def remember(self, result: FileResult) -> FileResult:
        """Note what was found of a file, on disk too."""
        self._results[result.name] = result
        text = json.dumps(
            {
                "version": _VERSION,
                "question": self._question,
                "files": [asdict(item) for item in self._results.values()],
            },
            ensure_ascii=False,
            indent=1,
        )
        write_text(self.folder / _MEMORY, text)
        return result

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """Where to write a file, which is moved to its place when the block ends well."""
        with atomic_path(self.path(name)) as temporary:
            # export and quantize take paths that end in .onnx.
            inner = temporary.with_suffix(".onnx")
            try:
                yield inner
                inner.replace(temporary)
            finally:
                inner.unlink(missing_ok=True)

    def _read(self, memory: Path) -> None:
        try:
            data = json.loads(memory.read_text(encoding="utf-8"))
            question, version = data["question"], data["version"]
            names = {item.name for item in fields(FileResult)}
            if version != _VERSION or any(set(item) != names for item in data["files"]):
                raise ValueError("written by another version")
            results = [FileResult(**item) for item in data["files"]]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"out: {str(memory)!r} cannot be read ({error}); remove the folder, or name another."
            ) from error
        changed = [key for key, value in self._question.items() if question.get(key) != value]
        if changed:
            raise InputError(
                f"out: {str(self.folder)!r} holds the search for another {', '.join(changed)}; remove it, or "
                "name another folder."
            )
        self._results = {item.name: item for item in results}
