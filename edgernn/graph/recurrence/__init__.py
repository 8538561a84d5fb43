"""How a recurrence is written in ONNX: one file a form, found by its name.

A form is a module with `write(site) -> [y, *final states]` and `can_write(site) -> reason or None`.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from edgernn.errors import InputError
from edgernn.graph.recurrence.site import Site

__all__ = ["Site", "find_form", "form_names"]

# Parts that several forms share; everything else in this folder is a form.
_SHARED = {"site", "stepwise"}


def form_names() -> list[str]:
    """The forms of this folder."""
    return sorted(item.name for item in pkgutil.iter_modules(__path__) if item.name not in _SHARED)


def find_form(name: str) -> ModuleType:
    """The form of a name; raises InputError with the names there are."""
    if name not in form_names():
        raise InputError(f"recurrence: {name!r} is unknown; use one of {['auto', *form_names()]}.")
    return importlib.import_module(f"{__name__}.{name}")
