"""The encoder and decoder: attention against plain numpy, padding, steps, and reading its own symbols."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgernn.errors import InputError
from edgernn.models import Seq2Seq
from edgernn.models.attention import attention_type
from tests.translators import SYMBOLS, sources, targets, translator

KINDS = ("bahdanau", "dot")


def softmax(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


@pytest.mark.parametrize("kind", KINDS)
def test_attention_is_what_its_paper_says(kind: str) -> None:
    torch.manual_seed(0)
    attention = attention_type(kind)(3, 4, 5)
    states, memory, lengths = torch.randn(2, 3, 3), torch.randn(2, 6, 4), torch.tensor([6, 2])
    with torch.no_grad():
        contexts, weights = attention(states, memory, attention.keys(memory), lengths)
    q_weight, q_bias = attention.query.weight.detach().numpy(), attention.query.bias.detach().numpy()
    k_weight = attention.key.weight.detach().numpy()
    for row in range(2):
        places = memory[row, : lengths[row]].numpy()
        for step in range(3):
            query = q_weight @ states[row, step].numpy() + q_bias
            if kind == "dot":
                scores = np.array([query @ (k_weight @ place) / 5**0.5 for place in places])
            else:
                energy = attention.energy.weight.detach().numpy()[0]
                scores = np.array([energy @ np.tanh(query + k_weight @ place) for place in places])
            expected = softmax(scores)
            np.testing.assert_allclose(weights[row, step, : lengths[row]], expected, atol=1e-6)
            assert float(weights[row, step, lengths[row] :].abs().sum()) == 0
            np.testing.assert_allclose(contexts[row, step], expected @ places, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_what_fills_a_source_up_changes_nothing(kind: str) -> None:
    model = translator(attention=kind)
    source, lengths = sources()
    target = targets()
    with torch.no_grad():
        whole = model(source, lengths, target)
        for row in range(len(source)):
            alone = model(
                source[row : row + 1, : lengths[row]], lengths[row : row + 1], target[row : row + 1]
            )
            torch.testing.assert_close(alone[0], whole[row], atol=1e-5, rtol=1e-5)
        # The lengths do matter: the check above can fail.
        other = model(source, torch.full_like(lengths, source.shape[1]), target)
    assert float((other[1:] - whole[1:]).abs().max()) > 1e-3


@pytest.mark.parametrize("cell", ["gru", "lstm", "mingru"])
def test_steps_are_the_whole(cell: str) -> None:
    model = translator(cell=cell)
    (source, lengths), target = sources(), targets()
    with torch.no_grad():
        read = model.encode(source, lengths)
        state = model.decoder.initial_state(len(source))
        parts = []
        for step in range(target.shape[1]):
            scores, weights, state = model.decoder.step(target[:, step : step + 1], *read, lengths, state)
            parts.append(scores)
            torch.testing.assert_close(weights.sum(-1), torch.ones(3, 1))
        torch.testing.assert_close(torch.cat(parts, 1), model(source, lengths, target), atol=1e-5, rtol=1e-5)


def test_learning_scores_the_chosen_places() -> None:
    model = translator()
    (source, lengths), target = sources(), targets()
    inside = torch.tensor([[True, True, False, True], [True] * 4, [True, False, False, False]])
    with torch.no_grad():
        scores = model.learn(source, lengths, target, inside).log_softmax(-1)
        torch.testing.assert_close(scores, model(source, lengths, target)[inside])


def test_the_share_of_its_own_symbols_is_what_was_asked_for() -> None:
    model = translator(dropout=0.0)
    source, lengths = sources(40)
    target = targets(40, 30)
    read: list[torch.Tensor] = []
    model.decoder.embedding.register_forward_pre_hook(lambda _, args: read.append(args[0]))
    inside = torch.ones_like(target, dtype=torch.bool)
    model.train()
    with torch.no_grad():
        for share in (0.0, 0.5, 1.0):
            model.sampled_share = share
            read.clear()
            model.learn(source, lengths, target, inside)
            changed = (read[-1][:, 1:] != target[:, 1:]).double().mean()
            assert (read[-1][:, 0] == target[:, 0]).all()
            # A drawn symbol may be the one that stood there.
            assert 0.6 * share <= float(changed) <= share + 0.05
        model.eval()
        read.clear()
        model.learn(source, lengths, target, inside)
    assert len(read) == 2  # the source and the target, which stays as it is
    torch.testing.assert_close(read[-1], target)


def test_own_symbols_are_drawn_from_the_networks_distribution() -> None:
    model = translator(dropout=0.0)
    source, lengths = (part[:1].repeat(4000, *[1] * (part.dim() - 1)) for part in sources())
    target = targets(1, 2).repeat(4000, 1)
    read: list[torch.Tensor] = []
    model.decoder.embedding.register_forward_pre_hook(lambda _, args: read.append(args[0]))
    model.train()
    model.sampled_share = 1.0
    torch.manual_seed(0)
    with torch.no_grad():
        model.learn(source, lengths, target, torch.ones_like(target, dtype=torch.bool))
        expected = model.eval()(source[:1], lengths[:1], target[:1])[0, 0].exp()
    drawn = torch.bincount(
        next(item for item in reversed(read) if item.shape == target.shape)[:, 1], minlength=SYMBOLS
    )
    assert float((drawn / 4000 - expected).abs().max()) < 0.03


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"attention": "luong"}, "bahdanau or dot"),
        ({"hidden_size": 0}, "hidden_size"),
        ({"cell": "x"}, "cell"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Seq2Seq(SYMBOLS, 9, 10, **arguments)
