"""Who takes part in the measurement of a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from edgernn.bench.contenders.base import BY_HAND, DEFAULT_PATH, EAGER, Array, Contender
from edgernn.bench.contenders.plain import foreign_states, own_states, plain_contender, start_plain
from edgernn.bench.contenders.runtime import runtime_contender
from edgernn.errors import ExportError, InputError
from edgernn.files import existing_file
from edgernn.manifest import METADATA_KEY
from edgernn.runtime import Session, load
from edgernn.runtime.metadata import read_metadata

if TYPE_CHECKING:
    from torch import nn

_AGAINST = "against "


@contextmanager
def lineup(
    session: Session,
    inputs: Sequence[Array],
    *,
    batch: int,
    threads: int,
    source: nn.Module | None = None,
    against: str | os.PathLike[str] | None = None,
) -> Iterator[tuple[list[Contender], dict[str, str]]]:
    """The contenders, edgernn first, and those that cannot run: reason by name.

    Within the block torch uses `threads` threads. The arguments are those of `edgernn.bench`; `inputs` are
    the arrays of one call.

    Raises:
        InputError, ModelError: where `source` is no torch module, or the file of `against` does not fit.
    """
    found = [runtime_contender(session, batch), by_hand_contender(session, batch, threads)]
    skipped: dict[str, str] = {}
    if against is not None:
        found.append(_against(existing_file(against, "against"), session, batch, threads))
    if source is None:
        yield found, skipped
        return
    import torch

    if not isinstance(source, torch.nn.Module):
        raise InputError(f"source: must be a torch.nn.Module, found {type(source).__name__}.")
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with TemporaryDirectory(prefix="edgernn-bench-") as folder:
            for name, make in _from_source(source, session, inputs, Path(folder), batch, threads).items():
                try:
                    found.append(make())
                except ExportError as error:  # noqa: PERF203 - two ways at most
                    skipped[name] = str(error)
            yield found, skipped
    finally:
        torch.set_num_threads(before)


def baseline(contenders: Sequence[Contender]) -> str:
    """Whose time edgernn's is held against: the file given as `against`, the default path, or by hand."""
    names = [contender.name for contender in contenders]
    against = [name for name in names if name.startswith(_AGAINST)]
    return (against or [name for name in (DEFAULT_PATH, BY_HAND) if name in names])[0]


def _from_source(
    source: nn.Module, session: Session, inputs: Sequence[Array], folder: Path, batch: int, threads: int
) -> dict[str, Callable[[], Contender]]:
    from edgernn.bench.contenders.default_path import default_path_contender
    from edgernn.bench.contenders.eager import eager_contender

    manifest = session.manifest
    return {
        DEFAULT_PATH: lambda: default_path_contender(
            source, manifest, inputs, folder / "default_path.onnx",
            batch=batch, provider=session.provider, threads=threads,
        ),
        EAGER: lambda: eager_contender(source, manifest, inputs, batch),
    }  # fmt: skip


def by_hand_contender(session: Session, batch: int, threads: int) -> Contender:
    """The file of a session with onnxruntime alone."""
    manifest = session.manifest
    return plain_contender(
        BY_HAND,
        "the same file with onnxruntime alone: session.run(None, feed), states as numpy arrays",
        start_plain(session.path, session.provider, threads),
        ([spec.name for spec in manifest.inputs], [spec.name for spec in manifest.outputs]),
        own_states(manifest, batch),
        exact=manifest.scheme == "float32",
        file_bytes=session.path.stat().st_size,
    )


def _against(path: Path, session: Session, batch: int, threads: int) -> Contender:
    name = _AGAINST + path.name
    if METADATA_KEY in read_metadata(path):
        other = load(path, provider=session.provider, threads=threads)
        mine = session.manifest
        if (other.manifest.streaming, len(other.inputs), len(other.outputs)) != (
            mine.streaming, len(mine.inputs), len(mine.outputs)
        ):  # fmt: skip
            raise InputError(
                f"against: {str(path)!r} is {other!r}, which does not take the same calls as {session!r}. "
                "Give a file of the same network and form."
            )
        return runtime_contender(other, batch, name)
    plain = start_plain(path, session.provider, threads)
    counts = len(session.inputs), len(session.outputs)
    names = (
        [item.name for item in plain.get_inputs()[: counts[0]]],
        [item.name for item in plain.get_outputs()[: counts[1]]],
    )
    return plain_contender(
        name,
        f"{path.name} with onnxruntime alone",
        plain,
        names,
        foreign_states(plain, *counts, batch),
        exact=False,  # nobody says how its weights are stored
        file_bytes=path.stat().st_size,
    )
