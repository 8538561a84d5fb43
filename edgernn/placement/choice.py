"""How to export for a provider: what it needs of the form, and whether it takes a recurrence as written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import onnx_ir as ir

from edgernn.errors import InputError
from edgernn.placement.nodes import flatten
from edgernn.placement.providers import rules_of
from edgernn.placement.rules import BODIES, RECURRENT, Form, Refusal


def form_for(provider: str, recurrence: str, *, fixed_steps: bool) -> Form:
    """The form for a provider.

    Args:
        provider: its name.
        recurrence: "auto" leaves the recurrence to the provider's rules; another name stays.
        fixed_steps: whether the number of time steps was given.

    Raises:
        ProviderError: the provider is unknown.
        InputError: it needs a number of time steps, and none was given.
    """
    form = rules_of(provider).FORM
    if form.fixed and not fixed_steps:
        raise InputError(f"provider: {provider} takes fixed shapes alone. {_STEPS}.")
    return form if recurrence == "auto" else replace(form, recurrences=(recurrence,))


def takes_recurrence(model: ir.Model, provider: str) -> Refusal | None:
    """None where a provider takes every recurrent operator and loop of a model, else its objection."""
    judge = rules_of(provider).judge
    for node in flatten(model.clone()).nodes:
        if node.op in RECURRENT | BODIES and (refusal := judge(node)) is not None:
            return refusal
    return None


def require_steps(provider: str, objection: str, options: Mapping[str, Any]) -> None:
    """Raise InputError where nothing says how many steps to unroll.

    Unrolling as many as the example happens to have would freeze that length unasked.
    """
    if options["length"] is None and options["chunk"] is None:
        raise InputError(
            f"provider: {provider} does not take the recurrence of this network as a node of its own "
            f"({objection}), so it must be unrolled. {_STEPS}."
        )


_STEPS = (
    "Give the number of time steps: length=N (--length N), or of a streaming file chunk=N "
    "(--streaming --chunk N)"
)
