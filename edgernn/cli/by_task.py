"""The modules that say what a task needs, found by its name: speech-generate is speech_generate.py."""

from __future__ import annotations

import importlib
import importlib.util
import re
from types import ModuleType


def module_for(package: str, task: str) -> ModuleType | None:
    """The module of a task in a package of `edgernn.cli`; None where there is none.

    What the task is called, a file says: nothing but a name may become a module's.
    """
    if not re.fullmatch(r"[a-z]+(-[a-z]+)*", task):
        return None
    name = f"{package}.{task.replace('-', '_')}"
    return None if importlib.util.find_spec(name) is None else importlib.import_module(name)
