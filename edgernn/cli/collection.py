"""A folder of files through a model, in a folder of outputs: resumable, with a progress bar."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from edgernn.cli.outcome import Outcome
from edgernn.cli.scorer import Scored, Scorer
from edgernn.cli.sounds import gives_sound, takes_sound
from edgernn.errors import InputError
from edgernn.files import write_text
from edgernn.sound import SOUND_SUFFIX, SOUND_SUFFIXES, is_sound

if TYPE_CHECKING:
    from edgernn.runtime import Session

_RECORD = "edgernn-run.json"
_SUFFIXES = (".npy", ".csv")


def score_folder(
    scorer: Scorer, folder: Path, output: Path | None, engine_name: str, workers: int | None
) -> Outcome:
    """Score every .npy, .csv and sound file below `folder` that has no output yet below `output`.

    Sounds become sounds where the model gives them, all else arrays.

    Raises InputError where `output` is missing, or holds outputs of another model or of other options.
    """
    from edgernn.cli.console import progress, table
    from edgernn.cli.engines import engine
    from edgernn.cli.lines import only_input

    if output is None:
        raise InputError("--output: a folder of inputs needs a folder for the outputs, -o FOLDER.")
    if workers is not None and workers < 1:
        raise InputError(f"workers: expected a whole number from 1, found {workers}.")
    chosen = engine(engine_name)
    session = scorer.session()
    only_input(session)
    pairs = _pairs(folder, output, session)
    _check_record(output, {"model": session.digest, "columns": list(scorer.columns), "nan": scorer.nan})
    # Absolute: an engine may work in another folder.
    waiting = [
        (str(source.absolute()), str(target.absolute()))
        for source, target in pairs
        if not _is_done(source, target)
    ]
    failed: list[Scored] = []
    there = len(pairs) - len(waiting)
    with progress("Scoring") as tell:
        done = 0
        for scored in chosen.score(scorer, waiting, workers) if waiting else ():
            done += 1
            tell(Path(scored.source).name, done, len(waiting))
            if scored.error:
                failed.append(scored)

    def show(console: Console) -> None:
        console.print(
            f"{done - len(failed)} files scored into {output}, {there} were there already.",
            soft_wrap=True,
        )
        if failed:
            console.print(table("Failed", ("file", "reason"), [(item.source, item.error) for item in failed]))

    data = {
        "folder": str(output),
        "scored": done - len(failed),
        "already_there": there,
        "failed": [asdict(item) for item in failed],
    }
    return Outcome(data, show, passed=not failed)


def _pairs(folder: Path, output: Path, session: Session) -> list[tuple[Path, Path]]:
    """(input, output) for each file; the folders below are kept."""
    inside = output.resolve()
    arrays = ".npy" if len(session.outputs) == 1 else ".npz"
    sounds = SOUND_SUFFIX if gives_sound(session.manifest) else arrays
    suffixes = _SUFFIXES + SOUND_SUFFIXES if takes_sound(session.manifest) else _SUFFIXES
    sources = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in suffixes and path.is_file() and inside not in path.resolve().parents
    ]
    if not sources:
        raise InputError(f"INPUT: no {' or '.join(suffixes)} file below {str(folder)!r}.")
    pairs: dict[Path, Path] = {}
    for source in sources:
        target = output / source.relative_to(folder).with_suffix(sounds if is_sound(source) else arrays)
        if target in pairs:
            raise InputError(
                f"INPUT: {str(pairs[target])!r} and {str(source)!r} would both be written to "
                f"{str(target)!r}. Rename one."
            )
        pairs[target] = source
    return [(source, target) for target, source in pairs.items()]


def _is_done(source: Path, target: Path) -> bool:
    """Whether there is an output that is no older than its input; outputs appear whole or not at all."""
    return target.exists() and target.stat().st_mtime >= source.stat().st_mtime


def _check_record(output: Path, settings: dict[str, object]) -> None:
    """Note what the outputs come from; raise InputError where those that are there come from another."""
    record = output / _RECORD
    if record.exists():
        try:
            found = json.loads(record.read_text("utf-8"))
        except ValueError as error:
            raise InputError(f"--output: {str(record)!r} is damaged; choose another folder.") from error
        if found != settings:
            raise InputError(
                f"--output: {str(output)!r} holds outputs of another model or other options, see {_RECORD}. "
                "Choose another folder."
            )
        return
    write_text(record, json.dumps(settings))
