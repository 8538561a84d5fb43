"""What each execution provider takes of a graph: one file a provider, found by its name.

A file declares

- `SOURCE`: where its rules come from;
- `FORM`: how to export for it, see `edgernn.placement.rules.Form`;
- `judge(node)`: None where it takes a node, else why not and what would change that.

The rules say what a provider has kernels for. Whether its driver or its chip then computes the node is for
`edgernn verify --provider NAME` on the device to tell.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Protocol, cast

from edgernn.placement.nodes import Node
from edgernn.placement.rules import Form, Refusal
from edgernn.runtime import providers


class Rules(Protocol):
    """What a file of this folder declares; see above."""

    SOURCE: str
    FORM: Form

    def judge(self, node: Node) -> Refusal | None:
        """Why the provider does not take a node; None where it does."""
        ...


@cache
def known() -> tuple[str, ...]:
    """Every provider that there are rules for."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def rules_of(name: str) -> Rules:
    """The rules of a provider. Raises ProviderError, with the nearest known name, where there is none."""
    providers.get(name)
    return cast(Rules, importlib.import_module(f"{__name__}.{name}"))
