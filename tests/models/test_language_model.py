from __future__ import annotations

import numpy as np
import pytest
import torch

import edgernn
from edgernn.errors import InputError
from edgernn.models import LanguageModel


def model(**arguments: object) -> LanguageModel:
    torch.manual_seed(0)
    sizes = {"symbols": 9, "embedding_size": 5, "hidden_size": 6}
    return LanguageModel(**{**sizes, **arguments}).eval()


@pytest.mark.parametrize(("cell", "layers"), [("lstm", 2), ("mingru", 1)])
def test_scores_go_on_from_a_state(cell: str, layers: int) -> None:
    network, ids = model(cell=cell, num_layers=layers), torch.randint(0, 9, (3, 20))
    whole = network(ids)
    torch.testing.assert_close(whole.exp().sum(-1), torch.ones(3, 20))
    first, state = network.scores(ids[:, :8])
    second, _ = network.scores(ids[:, 8:], state)
    torch.testing.assert_close(torch.cat([first, second], 1).log_softmax(-1), whole)
    fresh, _ = network.scores(ids[:, :8], network.initial_state(3))
    torch.testing.assert_close(fresh, first)


def test_a_symbol_is_scored_by_those_before_it_alone() -> None:
    network, ids = model(), torch.randint(0, 9, (1, 12))
    changed = ids.clone()
    changed[0, 7] = (changed[0, 7] + 1) % 9
    before, after = network(ids), network(changed)
    torch.testing.assert_close(before[:, :7], after[:, :7])
    assert not torch.allclose(before[:, 7:], after[:, 7:])


def test_its_file_streams_symbol_by_symbol(tmp_path) -> None:
    network, ids = model(num_layers=2), torch.randint(0, 9, (1, 12))
    edgernn.export(network, tmp_path / "m.onnx", ids, streaming=True)
    stream = edgernn.load(tmp_path / "m.onnx").stream()
    found = np.concatenate([stream.push(ids[:, n : n + 1].numpy()) for n in range(12)], axis=1)
    np.testing.assert_allclose(found, network(ids).detach().numpy(), rtol=1e-5, atol=1e-5)


def test_a_vocabulary_has_symbols() -> None:
    with pytest.raises(InputError, match="symbols must be an integer"):
        model(symbols=0)
