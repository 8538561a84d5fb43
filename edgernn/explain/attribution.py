"""Integrated gradients of one answer, for raw values and through the embedding for symbols."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgernn.errors import InputError, MissingDependencyError
from edgernn.verify.tolerances import COMPLETENESS

# Points of the quadrature: doubled until the shares add up.
_FEWEST, _MOST = 32, 1024
# Points that are computed at once.
_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Attribution:
    """How an answer is shared out.

    Attributes:
        target: the output, by name.
        values: (time, features), the shares; of symbols (time, 1).
        output: the answer, before a softmax.
        baseline_output: the answer for the baseline.
        baseline: what that is, in words.
        error: how far the shares' sum is from the difference of both, ÷ the larger of this difference and the
            sum of their absolute values.
        points: of the quadrature.
    """

    target: str
    values: np.ndarray
    output: float
    baseline_output: float
    baseline: str
    error: float
    points: int

    @property
    def complete(self) -> bool:
        """Whether the shares add up."""
        return self.error <= COMPLETENESS


def attribute(
    model: nn.Module, inputs: Tensor, names: Sequence[str], target: str | None, *, choose: bool
) -> Attribution:
    """Share the model's answer out.

    Args:
        model: in evaluation mode; `logits` is explained where it has it, else its `forward`: (batch,
            outputs), or (batch, time, outputs), whose last step is taken.
        inputs: (1, time) symbols for its one nn.Embedding, or (1, time, features) values, of which those of
            its buffer `mean` are the baseline where it has one, else zeros.
        names: of the outputs.
        target: the output, by name or number; None: the largest one with `choose`, else the first.
        choose: see target.

    Raises:
        InputError: where there is no such output.
        MissingDependencyError: where captum is not installed.
    """
    try:
        from captum.attr import IntegratedGradients
    except ModuleNotFoundError as missing:
        raise MissingDependencyError(
            "attribution needs the package 'captum', which is not installed. Install it with: "
            "pip install 'edgernn[explain]'"
        ) from missing
    model.requires_grad_(False)
    point, baseline, told, answers = _path(model, inputs)
    with torch.no_grad():
        given = answers(point)
    index = _index(given[0], names, target, choose)
    output, without = float(given[0, index]), float(answers(baseline)[0, index])
    points, found, error = _FEWEST // 2, torch.zeros(()), float("inf")
    while error > COMPLETENESS and points < _MOST:
        points *= 2
        found = IntegratedGradients(answers).attribute(
            point, baseline, target=index, n_steps=points, internal_batch_size=_AT_ONCE
        )
        difference = output - without
        whole = max(abs(difference), float(found.abs().sum()))
        error = abs(float(found.sum()) - difference) / whole if whole else 0.0
    shares = found[0].detach()
    if inputs.dim() == 2:
        shares = shares.sum(-1, keepdim=True)
    name = names[index] if index < len(names) else str(index)
    return Attribution(name, shares.numpy().astype(np.float64), output, without, told, error, points)


def _path(model: nn.Module, inputs: Tensor) -> tuple[Tensor, Tensor, str, Callable[[Tensor], Tensor]]:
    """Where integration ends and begins, what the beginning is, and the answers on the way."""
    compute: Callable[..., Any] = getattr(model, "logits", model)

    def last(answers: Tensor) -> Tensor:
        return answers[:, -1] if answers.dim() == 3 else answers

    if inputs.dim() == 3:
        mean = getattr(model, "mean", None)
        baseline = torch.zeros_like(inputs) if mean is None else mean.expand_as(inputs).clone()
        told = "zeros" if mean is None else "the mean of the training data"
        return inputs, baseline, told, lambda values: last(compute(values))

    (embedding,) = (module for module in model.modules() if isinstance(module, nn.Embedding))

    def through(embedded: Tensor) -> Tensor:
        """The answers with other embeddings in the place of the symbols' own."""
        handle = embedding.register_forward_hook(lambda *_: embedded)
        try:
            return last(compute(inputs.expand(len(embedded), -1)))
        finally:
            handle.remove()

    with torch.no_grad():
        embedded = embedding(inputs)
    return embedded, torch.zeros_like(embedded), "embeddings of zeros", through


def _index(answers: Tensor, names: Sequence[str], target: str | None, choose: bool) -> int:
    if target is None:
        return int(answers.argmax()) if choose else 0
    if target in names:
        return list(names).index(target)
    if target.isdecimal() and int(target) < len(answers):
        return int(target)
    raise InputError(
        f"target: there is no output {target!r}; there are {', '.join(names)}, or their numbers from 0."
    )
