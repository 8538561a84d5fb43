"""The execution providers that edgernn knows: one module each in this folder, found by its file name.

A provider's module declares:

- `ONNXRUNTIME_NAME`: onnxruntime's name of it;
- `INSTALL`: what brings it, for the message when it is missing;
- `HOST_MEMORY`: True where it reads and writes ordinary memory, so that arrays can be bound once;
- `options(threads)`: the options to create it with.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from functools import cache
from typing import Protocol, cast

import onnxruntime

from edgernn.errors import ProviderError


class Provider(Protocol):
    """What a module of this folder declares; see above."""

    ONNXRUNTIME_NAME: str
    INSTALL: str
    HOST_MEMORY: bool

    def options(self, threads: int) -> dict[str, str]:
        """Options for onnxruntime, for `threads` threads."""
        ...


@cache
def known() -> tuple[str, ...]:
    """Every provider name that `edgernn.load` takes."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def get(name: str) -> Provider:
    """The provider of that name. Raises ProviderError, with the nearest known name, where there is none."""
    if name not in known():
        near = difflib.get_close_matches(str(name).lower(), known(), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ProviderError(
            f"unknown provider {name!r}.{hint} Known: {', '.join(known())}. "
            f"In this onnxruntime: {', '.join(present())}."
        )
    return cast(Provider, importlib.import_module(f"{__name__}.{name}"))


def present() -> tuple[str, ...]:
    """Names of the known providers that the installed onnxruntime was built with."""
    available = onnxruntime.get_available_providers()
    return tuple(name for name in known() if get(name).ONNXRUNTIME_NAME in available)


def by_preference() -> tuple[str, ...]:
    """Every known provider in onnxruntime's own order of preference; the CPU is last."""
    order = {name: rank for rank, name in enumerate(onnxruntime.get_all_providers())}
    # A provider that this onnxruntime never heard of goes before the CPU, to be reported as missing.
    cpu = order["CPUExecutionProvider"]
    return tuple(sorted(known(), key=lambda name: order.get(get(name).ONNXRUNTIME_NAME, cpu - 0.5)))
