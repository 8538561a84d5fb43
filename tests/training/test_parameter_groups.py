from __future__ import annotations

import pytest
from torch import nn

import edgernn
from edgernn.errors import InputError
from edgernn.training.options import TrainingOptions
from edgernn.training.parameter_groups import freeze, layer_names, parameter_groups


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 3)
        self.recurrent = edgernn.Recurrent(edgernn.GRU(3, 4), num_layers=2, bidirectional=True)
        self.head = nn.Linear(8, 2)


def factors(model: nn.Module, options: TrainingOptions) -> dict[str, float]:
    names = {id(value): name for name, value in model.named_parameters()}
    return {
        names[id(value)]: group["factor"]
        for group in parameter_groups(model, options)
        for value in group["params"]
    }


def test_layers_are_found_in_order() -> None:
    assert layer_names(Network()) == [
        "embedding", *(f"recurrent.cells.{index}" for index in range(4)), "head",
    ]  # fmt: skip


def test_lower_layers_learn_slower_and_directions_alike() -> None:
    found = factors(Network(), TrainingOptions(layer_decay=0.5))
    assert found["head.weight"] == 1.0
    assert found["recurrent.cells.2.weight_ih"] == found["recurrent.cells.3.bias_hh"] == 0.5
    assert found["recurrent.cells.0.weight_ih"] == found["recurrent.cells.1.weight_hh"] == 0.25
    assert found["embedding.weight"] == 0.125


def test_what_is_frozen_is_in_no_group() -> None:
    model = Network()
    freeze(model, ("embedding.*", "recurrent.cells.[01].*"))
    found = factors(model, TrainingOptions())
    assert set(found.values()) == {1.0}
    assert {name.split(".weight")[0].split(".bias")[0] for name in found} == {
        "recurrent.cells.2", "recurrent.cells.3", "head",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("patterns", "said"),
    [(("embeding*",), "no parameter matches 'embeding"), (("*",), "match every parameter")],
)
def test_a_pattern_that_does_nothing_or_all_is_refused(patterns: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        freeze(Network(), patterns)
