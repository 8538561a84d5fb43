"""A network of several graphs: a folder of .onnx files with one bundle.json.

An encoder and the step of its decoder, say, are called differently often, so they are two graphs. What
bundle.json holds is checked before it is used: names of files stay in the folder, and digests must agree.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgernn.errors import InputError, ModelError
from edgernn.files import BUNDLE_FILE, file_digest, write_text

FORMAT_VERSION = 1

if TYPE_CHECKING:
    from typing import TypeGuard

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class NetworkFolder:
    """What bundle.json says.

    Attributes:
        folder: where it stands.
        task: what the network is for, e.g. "translate".
        parts: SHA-256 of each graph by its name; its file is NAME.onnx.
        settings: what an app needs beside the graphs, as JSON: numbers, texts, lists of them.
    """

    folder: Path
    task: str
    parts: dict[str, str]
    settings: dict[str, Any] = field(default_factory=dict)

    def path(self, part: str) -> Path:
        """The file of a part."""
        return self.folder / f"{part}.onnx"


def is_network_folder(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a folder with a bundle.json."""
    return (Path(path) / BUNDLE_FILE).is_file()


def read_network_folder(path: str | os.PathLike[str]) -> NetworkFolder:
    """Read bundle.json, and check that the files are those that it is about.

    Raises:
        InputError: where there is no such folder.
        ModelError: where bundle.json or a file is not what edgernn wrote.
    """
    folder = Path(path)
    if not is_network_folder(folder):
        raise InputError(
            f"network: {str(folder)!r} is no folder with a {BUNDLE_FILE}. Export a network of several graphs "
            "with `edgernn export RUN -o FOLDER`."
        )
    where = f"{str(folder / BUNDLE_FILE)!r}"
    try:
        data = json.loads((folder / BUNDLE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{where}: not readable ({error}). Export the network again.") from error
    if not isinstance(data, dict) or data.get("format_version") != FORMAT_VERSION:
        raise ModelError(f"{where}: not of format version {FORMAT_VERSION}. Export the network again.")
    unknown = sorted(set(data) - {"format_version", "task", "parts", "settings"})
    task, parts, settings = (data.get(name) for name in ("task", "parts", "settings"))
    if unknown or not isinstance(task, str) or not isinstance(settings, dict) or not _are_parts(parts):
        raise ModelError(f"{where}: its fields are not those that edgernn writes. Export the network again.")
    network = NetworkFolder(folder, task, parts, settings)
    for name, digest in parts.items():
        if not network.path(name).is_file() or file_digest(network.path(name)) != digest:
            raise ModelError(
                f"{str(network.path(name))!r}: it is missing, or not the file that {BUNDLE_FILE} is about. "
                "Export the network again, or quantize the folder, not a file in it."
            )
    return network


def write_bundle_file(
    folder: Path, task: str, parts: Iterable[str], settings: Mapping[str, Any]
) -> NetworkFolder:
    """Write bundle.json into a folder that holds NAME.onnx for each name of `parts`.

    Raises:
        InputError: where a name is none of small letters, digits and underscores.
    """
    parts = list(parts)
    wrong = [name for name in parts if not _NAME.fullmatch(name)]
    if wrong:
        raise InputError(f"parts: {wrong[0]!r} is no name; use small letters, digits and underscores.")
    digests = {name: file_digest(folder / f"{name}.onnx") for name in parts}
    network = NetworkFolder(folder, task, digests, dict(settings))
    data = {"format_version": FORMAT_VERSION, **asdict(network)}
    del data["folder"]
    write_text(folder / BUNDLE_FILE, json.dumps(data, ensure_ascii=False, indent=1) + "\n")
    return network


def _are_parts(parts: Any) -> TypeGuard[dict[str, str]]:
    return (
        isinstance(parts, dict)
        and bool(parts)
        and all(_NAME.fullmatch(name) and isinstance(digest, str) for name, digest in parts.items())
    )
