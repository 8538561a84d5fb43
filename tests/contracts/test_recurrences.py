"""RNN, LSTM and GRU in every form compute what torch computes, at sizes that it was not exported with.

Each file is exported once with a batch of 1 and then run at other batches and lengths, from zero and other
states, with and without lengths, final states included.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import edgernn
from edgernn import Recurrent
from tests.cells.library import LIBRARY
from tests.cells.variants import VARIANTS, Variant

from .forms import FORMS, EveryCall, assert_same, expected, run

EXPORTED_STEPS = 5
BATCHES = (1, 2, 7)
STEPS = (1, 5, 11, 64)
STACKS = [(1, False), (1, True), (3, False), (3, True)]


def is_quick(variant: Variant, form: str, layers: int, both: bool) -> bool:
    """What is tested at every commit; the others are marked slow."""
    name = str(variant)
    if not both or layers != 1:
        return (name, form, layers, both) == ("LSTM-bias", "op", 3, True)
    return name in ("LSTM-bias", "GRU") or (
        name in ("GRU-bias-reset_after", "RNN-tanh-bias") and form == "op"
    )


CASES = [
    pytest.param(
        variant,
        form,
        layers,
        both,
        id=f"{variant}-{form}-{layers}-{'both' if both else 'one'}",
        marks=[] if is_quick(variant, form, layers, both) else pytest.mark.slow,
    )
    for variant in VARIANTS
    for form in FORMS
    for layers, both in STACKS
    # Biases have nothing to do with the number of layers.
    if variant.options["bias"] or layers == 1
]


@pytest.mark.parametrize(("variant", "form", "layers", "both"), CASES)
def test_a_file_computes_what_torch_computes(
    variant: Variant, form: str, layers: int, both: bool, tmp_path: Path
) -> None:
    module = EveryCall(Recurrent(variant.make(3, 4), layers, bidirectional=both))
    path = tmp_path / "model.onnx"
    manifest = edgernn.export(
        module, path, module.inputs(1, EXPORTED_STEPS), recurrence=form, dims=module.dims, check=False
    )
    assert {layer.recurrence for layer in manifest.layers} == {form}
    assert len(manifest.layers) == 4 * layers  # four calls
    session = edgernn.load(path)
    for batch in BATCHES:
        for steps in (EXPORTED_STEPS,) if form == "unrolled" else STEPS:
            inputs = module.inputs(batch, steps, seed=batch + steps)
            assert_same(run(session, inputs), expected(module, inputs), (batch, steps))
    report = edgernn.verify(module, path)
    assert report.passed, report.failures
    assert len(report.checks) >= 3


def test_all_cells_are_in_the_matrix() -> None:
    both = {variant.kind for variant in VARIANTS} | set(LIBRARY.values())
    assert both == set(edgernn.cells.find_cells().values())
    assert {str(case.values[0]) for case in CASES} == set(map(str, VARIANTS))
    quick = [case for case in CASES if not case.marks]
    assert {case.values[1] for case in quick} == set(FORMS)
