"""How each family of operators streams: one file a family, found by its file.

A rule file has `TARGETS`, the operators it is for, and `apply(context, args, kwargs) -> result`, which
computes the operator for one chunk and says where time is in the result. Arguments that flow with time are
`Flow`s.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

import torch

from edgernn.streaming.context import Rule


@cache
def _rules() -> dict[Any, Rule]:
    rules: dict[Any, Rule] = {}
    for item in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{item.name}")
        for target in module.TARGETS:
            if target in rules:
                raise AssertionError(f"{target} has two rules, one of them in {item.name}.py")
            rules[target] = module.apply
    return rules


def find_rule(target: Any) -> Rule | None:
    """The rule for an operator; None where there is none."""
    rule = _rules().get(target)
    if rule is None and torch.Tag.pointwise in getattr(target, "tags", ()):
        from edgernn.streaming.rules import pointwise

        return pointwise.apply
    return rule
