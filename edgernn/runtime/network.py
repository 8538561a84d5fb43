"""A network of several graphs, each loaded as a session."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgernn.errors import ModelError
from edgernn.network_folder import read_network_folder
from edgernn.runtime.session import Session, load


@dataclass(frozen=True, eq=False)
class Network:
    """The sessions of a network folder.

    Attributes:
        folder: where it stands.
        task: what it is for.
        sessions: by the name of the part.
        settings: what bundle.json holds for an app.
    """

    folder: Path
    task: str
    sessions: dict[str, Session]
    settings: dict[str, Any]

    def session(self, part: str) -> Session:
        """The session of a part. Raises ModelError where there is none of that name."""
        if part not in self.sessions:
            raise ModelError(
                f"{str(self.folder)!r}: it has no part {part!r}; its parts are {', '.join(self.sessions)}."
            )
        return self.sessions[part]


def load_network(
    folder: str | os.PathLike[str],
    *,
    provider: str | Sequence[str] = "cpu",
    threads: int = 1,
) -> Network:
    """Load every graph of a network folder.

    Args:
        folder: what `edgernn.export_folder` wrote.
        provider, threads: as `edgernn.load` takes them.

    Raises:
        InputError, ModelError, ProviderError: the folder or a file is not usable.
    """
    found = read_network_folder(folder)
    sessions = {name: load(found.path(name), provider=provider, threads=threads) for name in found.parts}
    return Network(found.folder, found.task, sessions, found.settings)
