"""Meeting a budget: measure each layer alone, then search for the smallest file that holds."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import onnx_ir as ir

from edgernn.errors import InputError, QuantizationError
from edgernn.manifest import METADATA_KEY
from edgernn.quantize.choosing.budget import Budget
from edgernn.quantize.choosing.choice import Choice, LayerCost
from edgernn.quantize.choosing.gates import gate_models
from edgernn.quantize.choosing.plan import FLOAT32, Plan, Rung, apply_plan, check_file, load_for, make_plan
from edgernn.quantize.choosing.scores import Score
from edgernn.quantize.choosing.search import MOST_COMBINATIONS, Assignment, Space, Trial, search
from edgernn.quantize.error import output_error
from edgernn.quantize.functions import inline
from edgernn.quantize.report import OutputError, TensorReport
from edgernn.quantize.request import Request
from edgernn.runtime import Session, load

# The one layer of a scheme that cannot be chosen layer by layer.
WHOLE = "the whole network"


class Workshop:
    """Writes files with some layers quantized, and measures them.

    Args:
        path: the float32 file.
        before: the same, loaded.
        rungs: the schemes that may be used, the smallest first.
        request: what all of them are asked.
        budget: what is measured.
        score: measures the score of a budget that has one.
    """

    def __init__(
        self,
        path: Path,
        before: Session,
        rungs: list[Rung],
        request: Request,
        budget: Budget,
        score: Score | None,
    ) -> None:
        self.path, self.before, self.rungs = path, before, rungs
        self.request, self.budget, self.score = request, budget, score
        # Layer → scheme → what becomes of its weights.
        self.layers: dict[str, dict[str, list[TensorReport]]] = {}
        for rung in rungs:
            asked = replace(request, options=rung.options)
            for tensor in apply_plan(load_for(path, rungs), Plan([(rung, asked)])):
                if not tensor.reason:
                    layer = WHOLE if rung.is_whole else tensor.used_by
                    self.layers.setdefault(layer, {}).setdefault(rung.name, []).append(tensor)
        self.names = {
            tensor.name for tensors in self.layers.values() for item in tensors.values() for tensor in item
        }

    def plan(self, schemes: Assignment) -> Plan:
        """How an assignment of layers is written."""
        stored = {
            tensor.name: scheme
            for layer, scheme in schemes.items()
            if scheme != FLOAT32
            for tensor in self.layers[layer].get(scheme, [])
        }
        return make_plan(self.rungs, self.request, stored, self.names)

    def attempt(self, schemes: Assignment, folder: Path) -> tuple[Trial, OutputError]:
        """Write and measure one file."""
        model = load_for(self.path, self.rungs)
        plan = self.plan(schemes)
        apply_plan(model, plan)
        if self.request.plain:
            inline(model)
        scheme = plan.scheme if plan.parts else FLOAT32
        error, value, size = self.measure(model, scheme, folder / "trial.onnx")
        return Trial(dict(schemes), size, value, self.budget.holds(value)), error

    def measure(self, model: ir.Model, scheme: str, path: Path) -> tuple[OutputError, float, int]:
        """The outputs' error, the budget's number, and the file's size."""
        manifest = self.before.manifest.with_(scheme=scheme, parity={})
        model.metadata_props[METADATA_KEY] = manifest.to_json()
        ir.save(model, path)
        check_file(path, self.rungs)
        session = load(path)
        error = output_error(self.before, session, self.request.calibration)
        return error, self.value(session, error), path.stat().st_size

    def value(self, session: Session, error: OutputError) -> float:
        """The number that the budget bounds; raises InputError where no score has its name."""
        if self.score is None:
            return self.budget.value_of(error)
        scores = self.score(session)
        if self.budget.name not in scores:
            raise InputError(
                f"budget: there is no score {self.budget.name!r}; measured are {', '.join(sorted(scores))}."
            )
        return scores[self.budget.name]


def choose(workshop: Workshop) -> tuple[Plan, Choice]:
    """The plan of the smallest file inside the budget.

    Raises:
        QuantizationError: where no layer can be quantized, even float32 is outside the budget, or every
            quantized file is.
    """
    budget, layers = workshop.budget, workshop.layers
    if not layers:
        raise QuantizationError(f"{str(workshop.path)!r}: no weight of it can be quantized.")
    with tempfile.TemporaryDirectory(prefix="edgernn-budget-") as name:
        folder = Path(name)
        whole, _ = workshop.attempt(dict.fromkeys(layers, FLOAT32), folder)
        if not whole.holds:
            raise QuantizationError(
                f"budget: even the float32 file has {budget.name} {whole.value:.4g}, and {budget} is asked "
                "for. Train a better network, or ask for less."
            )
        trials = [whole]
        costs, space = _sensitivity(workshop, whole, trials, folder)

        def attempt(schemes: Assignment) -> Trial:
            known = next((trial for trial in trials if trial.schemes == schemes), None)
            if known is None:
                known, _ = workshop.attempt(schemes, folder)
                trials.append(known)
            return known

        best = search(space, whole, attempt)
        if best is None:
            least = min((trial for trial in trials[1:]), key=lambda trial: budget.cost(trial.value))
            raise QuantizationError(
                f"budget: {budget} holds for the float32 file alone; the nearest quantized one has "
                f"{least.value:.4g} (with {_quantized(least)}). Ask for less, use a scheme of more bits, or "
                "fine-tune the network for it."
            )
        choice = Choice(
            budget,
            whole.value,
            best.value,
            tuple(costs),
            tuple(trials),
            trials.index(best),
            space.combinations <= MOST_COMBINATIONS,
        )
    return workshop.plan(best.schemes), choice


def _sensitivity(
    workshop: Workshop, whole: Trial, trials: list[Trial], folder: Path
) -> tuple[list[LayerCost], Space]:
    """Each layer alone in each scheme; the trials are added to `trials`."""
    budget = workshop.budget
    costs: list[LayerCost] = []
    cost: dict[tuple[str, str], float] = {}
    size: dict[tuple[str, str], int] = {}
    for layer, by_scheme in workshop.layers.items():
        before = sum(tensor.bytes_before for tensor in next(iter(by_scheme.values())))
        size[layer, FLOAT32], cost[layer, FLOAT32] = before, budget.cost(whole.value)
        for rung in workshop.rungs:
            tensors = by_scheme.get(rung.name, [])
            if not tensors:
                # This scheme leaves the layer as it is.
                size[layer, rung.name], cost[layer, rung.name] = before, budget.cost(whole.value)
                continue
            trial, error = workshop.attempt({**whole.schemes, layer: rung.name}, folder)
            trials.append(trial)
            after = sum(tensor.bytes_after for tensor in tensors)
            size[layer, rung.name], cost[layer, rung.name] = after, budget.cost(trial.value)
            gates = _gates(workshop, layer, rung, folder)
            costs.append(LayerCost(layer, rung.name, before, after, trial.value, error.max_abs, gates))
    costs.sort(key=lambda item: -item.max_error)
    return costs, Space(
        tuple(workshop.layers), [rung.name for rung in workshop.rungs] + [FLOAT32], size, cost
    )


def _gates(workshop: Workshop, layer: str, rung: Rung, folder: Path) -> dict[str, float]:
    """The largest error of the outputs with each gate's weights rounded alone."""
    node_name = layer.rpartition(" (")[0]
    found = {}
    for gate, model in gate_models(str(workshop.path), node_name, rung):
        path = folder / "gate.onnx"
        ir.save(model, path)
        found[gate] = output_error(workshop.before, load(path), workshop.request.calibration).max_abs
    return found


def _quantized(trial: Trial) -> str:
    parts = [f"{layer} in {scheme}" for layer, scheme in trial.schemes.items() if scheme != FLOAT32]
    return ", ".join(parts)
