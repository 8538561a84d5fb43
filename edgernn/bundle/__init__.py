"""Apps around a model: `bundle` writes a small, complete program for a target, with the model in it.

The stream logic is the same in every language, and so are the golden vectors that each app runs at start.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from edgernn.bundle import names
from edgernn.bundle.app import App, AppModel, licence
from edgernn.bundle.describe import describe
from edgernn.bundle.golden import digest, golden_vectors, snapshot_bytes
from edgernn.bundle.targets import find_target, target_names
from edgernn.errors import InputError
from edgernn.files import atomic_folder, require_free_folder
from edgernn.runtime import load

__all__ = ["BundleReport", "bundle", "target_names"]

FORMATS = ("onnx", "ort")


@dataclass(frozen=True)
class BundleReport:
    """What `bundle` wrote.

    Attributes:
        folder: where.
        target: for what.
        models: the models' names in the app.
        runtime: what runs them there.
        files: bytes of every file, by path.
        next: commands that build and run it, in that folder.
        operators: with format "ort": what a small build of onnxruntime needs.
    """

    folder: str
    target: str
    models: tuple[str, ...]
    runtime: str
    files: dict[str, int]
    next: tuple[str, ...]
    operators: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.files.values())

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text."""
        return json.dumps(asdict(self) | {"size": self.size}, ensure_ascii=False, indent=indent)


def bundle(
    models: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    *,
    target: str,
    format: str = "onnx",
) -> BundleReport:
    """Write an app around one or more streaming models.

    Args:
        models: files of `edgernn.export(..., streaming=True)` or `edgernn.quantize`.
        folder: the folder to write; it may not exist, or must be empty.
        target: what the app is for, see `target_names`.
        format: "onnx", or "ort": onnxruntime's own format, which small builds of it read.

    Returns:
        What was written.

    Raises:
        InputError: an argument is wrong, or a model does not stream.
        ModelError: a file is damaged, or was not written by edgernn.
    """
    maker = find_target(target)
    if format not in FORMATS:
        raise InputError(f"format: {format!r} is unknown. Known: {', '.join(FORMATS)}.")
    place = Path(folder)
    require_free_folder(place)
    paths = [Path(item) for item in ([models] if isinstance(models, str | os.PathLike) else models)]
    if not paths:
        raise InputError("models: name at least one .onnx file.")
    titles = names.unique((path.stem for path in paths), "model")
    made = tuple(_model(path, name, format) for path, name in zip(paths, titles, strict=True))
    app = App(made[0].name if len(made) == 1 else "_and_".join(model.name for model in made)[:60], made)
    files = {"LICENSE": licence(), **maker.files(app)}
    _write(place, files)
    return BundleReport(
        folder=str(place),
        target=target,
        models=tuple(model.name for model in made),
        runtime=maker.RUNTIME,
        files={path: len(data) for path, data in sorted(files.items())},
        next=maker.NEXT,
        operators=_operators(made),
    )


def _model(path: Path, name: str, format: str) -> AppModel:
    session = load(path, kernels="off")
    extra: dict[str, bytes] = {}
    if format == "ort":
        from edgernn.bundle.ort_format import to_ort

        data, extra = to_ort(path)
    else:
        data = path.read_bytes()
    description = describe(session, name, f"model.{format}", digest(data))
    return AppModel(
        description=description,
        model=data,
        initial=snapshot_bytes(session.stream(), description.sha256),
        golden=golden_vectors(session, description),
        manifest=session.manifest,
        extra=extra,
    )


def _operators(models: tuple[AppModel, ...]) -> tuple[str, ...]:
    from edgernn.bundle.ort_format import CONFIG, operators_in

    configs = [model.extra[CONFIG] for model in models if CONFIG in model.extra]
    return tuple(sorted({name for config in configs for name in operators_in(config)}))


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Write all files or none."""
    with atomic_folder(folder) as temporary:
        for path, data in files.items():
            file = temporary / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
