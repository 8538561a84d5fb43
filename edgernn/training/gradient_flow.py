"""How far back the gradient reaches: its norm by time step and layer, with warnings and what to do.

For each recurrent layer the gradient of the loss is taken at the layer's *input* of every time step. A step's
input reaches the loss through the state alone but for the steps that the loss looks at itself, so these norms
are the products of Jacobians in which Pascanu, Mikolov & Bengio (2013, "On the difficulty of training
recurrent neural networks") find vanishing and exploding gradients.

The measurement is a pass of its own: it leaves weights, gradients and random numbers as they were.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgernn.files import write_text
from edgernn.layers import Recurrent

GRADIENT_FLOW_FILE = "gradient_flow.json"

# The norm at the earliest steps ÷ the largest: below the first one nothing is learned from them; where the
# earliest is the largest, above the second one × the latest, it grows on its way back.
VANISHES_BELOW, EXPLODES_ABOVE = 1e-4, 1e3
# Steps at either end that are taken together, as a share of all.
_END = 0.1
# A gradient of a layer's weights this small against the weights moves nothing in float32.
_DEAD_BELOW = 1e-8

_VANISHING_ADVICE = (
    "Use a gated cell (lstm, gru), a pooling over time (mean, attention) in place of the last step, a larger "
    "stride or a shorter window; check that the inputs are normalised."
)
_EXPLODING_ADVICE = (
    "Set gradient_clip (1 or less) and a smaller learning_rate; a gated cell or a shorter window helps too."
)


@dataclass(frozen=True)
class LayerFlow:
    """The gradient in one recurrent layer.

    Attributes:
        name: path of the layer's module, with the layer's number.
        by_step: root mean square over the batch of the gradient's norm at each time step's input.
        early, late: its mean over the first and the last tenth of the steps that have any.
        largest: the largest of them.
    """

    name: str
    by_step: tuple[float, ...]
    early: float
    late: float
    largest: float

    @property
    def verdict(self) -> str:
        """ "vanishing", "exploding", "not finite" or "ok"."""
        if not all(math.isfinite(value) for value in self.by_step):
            return "not finite"
        if self.late > 0 and self.early > EXPLODES_ABOVE * self.late:
            return "exploding"
        return "vanishing" if self.early < VANISHES_BELOW * self.largest or not self.largest else "ok"


@dataclass(frozen=True)
class GradientFlow:
    """The gradient of one batch.

    Attributes:
        epoch: the epoch, from 1, before which it was measured.
        layers: by recurrent layer, from the input to the output.
        parameters: norm of the gradient ÷ norm of the weights, by parameter that is trained.
    """

    epoch: int
    layers: tuple[LayerFlow, ...]
    parameters: dict[str, float]

    def warnings(self) -> list[str]:
        """What is wrong and what to do, one sentence each; empty where all is well."""
        found = []
        for layer in self.layers:
            steps = len(layer.by_step)
            if layer.verdict == "vanishing":
                found.append(
                    f"{layer.name}: the gradient vanishes over its {steps} steps ({layer.early:.1e} at the "
                    f"start, {layer.largest:.1e} at most). {_VANISHING_ADVICE}"
                )
            elif layer.verdict == "exploding":
                found.append(
                    f"{layer.name}: the gradient explodes over its {steps} steps ({layer.late:.1e} at the "
                    f"end, {layer.early:.1e} at the start). {_EXPLODING_ADVICE}"
                )
            elif layer.verdict == "not finite":
                found.append(f"{layer.name}: the gradient is not finite. {_EXPLODING_ADVICE}")
        dead = [name for name, value in self.parameters.items() if value < _DEAD_BELOW]
        if dead:
            found.append(
                f"{', '.join(dead)}: no gradient arrives. Freeze what is not to be trained, and check that "
                "the loss depends on the rest."
            )
        return found


def measure(model: nn.Module, loss: Callable[[], Tensor], epoch: int = 0) -> GradientFlow:
    """Measure the gradient of one batch.

    Args:
        model: the network; its `edgernn.Recurrent` modules are looked at layer by layer.
        loss: runs the network on the batch and gives the loss.
        epoch: for the report.
    """
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    inputs: dict[str, Tensor] = {}
    with torch.random.fork_rng(devices=[]), torch.enable_grad(), _observed(model, inputs):
        value = loss()
        wanted = [*trained.values(), *inputs.values()]
        gradients = torch.autograd.grad(value, wanted, allow_unused=True)
    of_weights, of_inputs = gradients[: len(trained)], gradients[len(trained) :]
    parameters = {
        name: 0.0 if gradient is None else float(gradient.norm() / parameter.detach().norm().clamp(min=1e-12))
        for (name, parameter), gradient in zip(trained.items(), of_weights, strict=True)
    }
    layers = tuple(
        _layer_flow(name, tensor.new_zeros(tensor.shape) if gradient is None else gradient)
        for (name, tensor), gradient in zip(inputs.items(), of_inputs, strict=True)
    )
    return GradientFlow(epoch, layers, parameters)


def write_gradient_flow(folder: Path, flows: list[GradientFlow]) -> None:
    """Write gradient_flow.json into a run folder: one entry an epoch, with its warnings."""
    entries = [{**asdict(flow), "warnings": flow.warnings()} for flow in flows]
    # NaN and infinity are no JSON: they become null.
    text = json.dumps(_finite(entries), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / GRADIENT_FLOW_FILE, text + "\n")


def _layer_flow(name: str, gradient_TBF: Tensor) -> LayerFlow:
    by_step = gradient_TBF.detach().double().square().sum(-1).mean(-1).sqrt()
    # Behind the last step that the loss depends on stands padding.
    alive = by_step.nonzero().flatten()
    seen = by_step[: int(alive[-1]) + 1] if len(alive) else by_step
    end = max(1, round(len(seen) * _END))
    return LayerFlow(
        name,
        tuple(by_step.tolist()),
        early=float(seen[:end].mean()),
        late=float(seen[-end:].mean()),
        largest=float(seen.max()),
    )


@contextmanager
def _observed(model: nn.Module, inputs: dict[str, Tensor]) -> Iterator[None]:
    """Within the block, `inputs` gets what each layer of each Recurrent is given, time first."""
    watched = {name: module for name, module in model.named_modules() if isinstance(module, Recurrent)}
    for name, module in watched.items():
        run = module.run_layer

        def observe(index: int, x_TBF: Tensor, *rest: Any, run: Any = run, name: str = name) -> Any:
            # Of the network's own input no gradient was asked for yet.
            x_TBF = x_TBF if x_TBF.requires_grad else x_TBF.detach().requires_grad_()
            inputs[f"{name}.l{index}"] = x_TBF
            return run(index, x_TBF, *rest)

        # On the instance, in front of the class's own: all layers in one kernel have no inputs to look at.
        module.run_layer = observe  # type: ignore[method-assign, assignment]
        module._fuses = lambda: False  # type: ignore[method-assign]
    try:
        yield
    finally:
        for module in watched.values():
            del module.run_layer
            del module._fuses


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
