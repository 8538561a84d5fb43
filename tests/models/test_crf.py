"""The CRF against all of its paths, one by one, and its file against it."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import edgernn
from edgernn.errors import InputError
from edgernn.models.crf import LinearChainCRF

# Tag 2 may only follow tag 1 or itself, and begins no sequence; the last row and column are the edge.
ALLOWED = [
    [True, True, False, True],
    [True, True, True, True],
    [True, True, True, True],
    [True, True, False, False],
]
LENGTHS = (5, 1, 3)


def random_crf(allowed: list[list[bool]] | None = None, seed: int = 0) -> LinearChainCRF:
    torch.manual_seed(seed)
    crf = LinearChainCRF(3, allowed).double()
    for parameter in crf.parameters():
        nn.init.normal_(parameter)
    return crf


def rows(lengths: tuple[int, ...] = LENGTHS) -> tuple[Tensor, Tensor]:
    """Emissions, with large numbers in the padding that must not matter, and which steps are inside."""
    inside = torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
    emissions = 2 * torch.randn(len(lengths), max(lengths), 3, dtype=torch.float64)
    return emissions.masked_fill(~inside.unsqueeze(-1), 99.0), inside


def all_scores(crf: LinearChainCRF, emissions: Tensor) -> dict[tuple[int, ...], float]:
    """The score of every allowed path of one row without padding, from the definition."""
    found = {}
    first, last, transitions = (part.tolist() for part in (crf.first, crf.last, crf.transitions))
    for path in itertools.product(range(crf.tags), repeat=len(emissions)):
        steps = list(itertools.pairwise([crf.tags, *path, crf.tags]))
        if not all(bool(crf.allowed[a, b]) for a, b in steps):
            continue
        score = sum(float(emissions[t, tag]) for t, tag in enumerate(path))
        score += first[path[0]] + last[path[-1]]
        score += sum(transitions[a][b] for a, b in itertools.pairwise(path))
        found[path] = score
    return found


@pytest.mark.parametrize("allowed", [None, ALLOWED], ids=["any", "constrained"])
def test_it_equals_all_paths_one_by_one(allowed: list[list[bool]] | None) -> None:
    crf = random_crf(allowed)
    emissions, inside = rows()
    partition = crf.log_partition(emissions, inside)
    best, marginals = crf.decode(emissions, inside), crf.probabilities(emissions, inside)
    for row, length in enumerate(LENGTHS):
        scores = all_scores(crf, emissions[row, :length])
        values = torch.tensor(list(scores.values()), dtype=torch.float64)
        torch.testing.assert_close(partition[row], values.logsumexp(0))
        assert tuple(best[row, :length].tolist()) == max(scores, key=scores.__getitem__)
        assert not best[row, length:].any()
        expected = torch.zeros(length, 3, dtype=torch.float64)
        for path, probability in zip(scores, values.softmax(0), strict=True):
            for t, tag in enumerate(path):
                expected[t, tag] += probability
        torch.testing.assert_close(marginals[row, :length], expected)
        assert not marginals[row, length:].any()
        for path in list(scores)[::7]:
            padded = torch.zeros(1, inside.shape[1], dtype=torch.int64)
            padded[0, :length] = torch.tensor(path)
            given = crf.negative_log_likelihood(emissions[row : row + 1], padded, inside[row : row + 1])
            torch.testing.assert_close(given[0], values.logsumexp(0) - scores[path])


def test_what_is_known_so_far_sees_the_past_alone() -> None:
    crf = random_crf(ALLOWED)
    emissions, inside = rows((6,))
    so_far = crf.so_far(emissions, inside)
    for length in (1, 4):
        # Without the last step's score to the edge, the probabilities of the last step are those so far.
        values: dict[int, list[float]] = {tag: [] for tag in range(3)}
        open_end = random_crf([[*row[:-1], True] for row in ALLOWED[:-1]] + [ALLOWED[-1]])
        with torch.no_grad():
            open_end.last.zero_()
        for path, score in all_scores(open_end, emissions[0, :length]).items():
            values[path[-1]].append(score)
        sums = torch.tensor([torch.tensor(values[tag]).logsumexp(0) for tag in range(3)])
        torch.testing.assert_close(so_far[0, length - 1].float(), sums.softmax(0))


def test_the_likelihood_learns_what_may_follow() -> None:
    crf = LinearChainCRF(3)
    path = torch.tensor([[0, 1, 2, 0, 1, 2, 0, 0]])
    emissions, inside = torch.zeros(1, 8, 3), (torch.arange(8) < 7).unsqueeze(0)
    optimizer = torch.optim.Adam(crf.parameters(), lr=0.1)
    for _ in range(100):
        optimizer.zero_grad()
        crf.negative_log_likelihood(emissions, path, inside).mean().backward()
        optimizer.step()
    assert crf.decode(emissions, inside).tolist() == [[0, 1, 2, 0, 1, 2, 0, 0]]
    assert float(crf.negative_log_likelihood(emissions, path, inside).detach()) < 0.1


def test_long_sequences_stay_exact() -> None:
    crf = random_crf().float()
    emissions, inside = torch.randn(1, 3000, 3), torch.ones(1, 3000, dtype=torch.bool)
    exact = random_crf().probabilities(emissions.double(), inside)
    torch.testing.assert_close(crf.probabilities(emissions, inside).double(), exact, atol=1e-5, rtol=0)
    assert torch.isfinite(crf.decode(emissions, inside)).all()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LinearChainCRF(0), "tags must be an integer ≥ 1"),
        (lambda: LinearChainCRF(2, [[True]]), "allowed must be 3 × 3"),
        (lambda: LinearChainCRF(1, [[True, True], [False, True]]), "lets no tag begin a sequence"),
    ],
)
def test_wrong_arguments_are_refused(make: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make()


class Decoder(nn.Module):
    """Emissions in; a step with a mark below zero is padding."""

    def __init__(self, crf: LinearChainCRF) -> None:
        super().__init__()
        self.crf = crf

    def forward(self, emissions: Tensor, marks: Tensor) -> tuple[Tensor, Tensor]:
        inside = marks > 0
        return self.crf(emissions, inside)


@pytest.mark.parametrize("recurrence", ["scan", "loop"])
def test_the_decoder_is_part_of_the_file(tmp_path: Path, recurrence: str) -> None:
    model = Decoder(random_crf(ALLOWED).float()).eval()
    example = torch.randn(2, 4, 3), torch.ones(2, 4, dtype=torch.int64)
    edgernn.export(model, tmp_path / "d.onnx", example, recurrence=recurrence)
    session = edgernn.load(tmp_path / "d.onnx")
    for lengths in (LENGTHS, (7, 7), (1,), (2, 5, 4, 3, 6)):
        emissions, inside = rows(lengths)
        given = session.run(emissions.float().numpy(), inside.to(torch.int64).numpy())
        best, probabilities = given.values()
        for row, length in enumerate(lengths):
            scores = all_scores(model.crf, emissions[row, :length])
            assert tuple(best[row, :length]) == max(scores, key=scores.__getitem__)
        expected = model.crf.probabilities(emissions.float(), inside).detach().numpy()
        np.testing.assert_allclose(probabilities, expected, atol=1e-5)
