"""The rows of a suite on disk, so that one that was interrupted goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from edgernn.bench.suite_report import Row
from edgernn.bench.suite_request import Case
from edgernn.errors import InputError
from edgernn.files import write_text

_FILE, _VERSION = "rows.json", 1


class SuiteStore:
    """A folder that holds the rows of one suite on one machine.

    Attributes:
        rows: what stands there.

    Raises:
        InputError: where the folder holds something else, or figures of another suite or machine.
    """

    def __init__(self, folder: Path, suite: str, machine: dict[str, str]) -> None:
        self._file = folder / _FILE
        self._about = {"version": _VERSION, "suite": suite, "machine": machine}
        self.rows: list[Row] = []
        if self._file.exists():
            self._read()
        elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(
                f"out: {str(folder)!r} is not the folder of a suite, and not empty; name another."
            )

    def holds(self, case: Case) -> bool:
        """Whether a row of this case stands there: one that says the same of all that the case says."""
        return any(case.items() <= row.case.items() for row in self.rows)

    def add(self, row: Row) -> None:
        """Write one more row."""
        self.rows.append(row)
        data = {**self._about, "rows": [asdict(row) for row in self.rows]}
        write_text(self._file, json.dumps(data, ensure_ascii=False, indent=0, allow_nan=False))

    def _read(self) -> None:
        try:
            data = json.loads(self._file.read_text(encoding="utf-8"))
            about = {name: data[name] for name in self._about}
            self.rows = [Row.from_json(row) for row in data["rows"]]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"out: {str(self._file)!r} cannot be read ({error}); remove it, or name another folder."
            ) from error
        changed = [name for name, value in self._about.items() if about[name] != value]
        if changed:
            raise InputError(
                f"out: {str(self._file)!r} holds figures of another {' and '.join(changed)}, which do not "
                "stand beside these; name another folder."
            )
