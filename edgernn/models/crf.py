"""LinearChainCRF: which sequence of tags fits best, where neighbouring tags depend on each other.

Lafferty, McCallum & Pereira (2001), "Conditional random fields"; for tagging on top of a recurrent network,
Huang, Xu & Yu (2015), arXiv:1508.01991. With e_t(j) the emission of tag j at step t and A(i, j) the score of
tag j after tag i, a path y has the score

    s(y) = Σ_t A(y_{t-1}, y_t) + e_t(y_t) + A(y_T, ∅)        y_0 = ∅, the edge before and behind a sequence

Everything a CRF is asked is a recurrence over the edge and the tags, in one of two semirings:

    (log Σ exp, +)   the forward algorithm: log Σ_y exp s(y), and the tags' probabilities
    (max, +)         Viterbi's algorithm: the best path, which a second recurrence reads from its end

So both are `Cell`s under `Recurrent`, and are exported, streamed and proven equal as any other cell is.

Shapes: B batch, T steps, K tags, N = K + 1 places: the tags and, last, the edge.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.cells import Cell, State
from edgernn.cells.base import ReferenceStep
from edgernn.errors import InputError
from edgernn.layers import Recurrent
from edgernn.models.named import check_sizes
from edgernn.reference import semiring as reference

# The score of what cannot be: finite, so that no NaN comes of it, and exp of it is 0; float16 holds it too.
IMPOSSIBLE = -1e4


class SemiringCell(Cell):
    """A vector over N places, multiplied by a matrix at each step; no weights: the matrix is the input.

    Args:
        places: N. The vector starts at the last place: 0 there, `IMPOSSIBLE` elsewhere.
    """

    state_names = ("scores",)
    initial: Tensor

    def __init__(self, places: int) -> None:
        super().__init__(places * places, places)
        initial = torch.full((places,), IMPOSSIBLE)
        initial[-1] = 0.0
        self.register_buffer("initial", initial, persistent=False)

    def initial_state(self, batch: int) -> State:
        """The scores before the first step, (batch, N)."""
        return (self.initial.expand(batch, -1),)

    def _summands(self, x: Tensor, state: State) -> Tensor:
        """(batch, from N, to N): the scores so far plus those of the step."""
        (scores,) = state
        return scores.unsqueeze(-1) + x.reshape(-1, self.hidden_size, self.hidden_size)


class LogSumCell(SemiringCell):
    """One step of the forward algorithm.

    The state is kept at a logarithmic sum of 0, so that it stays exact however long the sequence is; the
    output is the sum before that, whose own logarithmic sum is therefore what the step adds to log Σ exp s.
    """

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """x (batch, N × N), scores (batch, N) → sums (batch, N), scores."""
        sums = self._summands(x, state).logsumexp(1)
        return sums, (sums - sums.logsumexp(-1, keepdim=True),)

    def _reference_step(self) -> ReferenceStep:
        return reference.log_sum_step


class MaxPlusCell(SemiringCell):
    """One step of Viterbi's algorithm.

    The output says for each place from which one its best path comes. The state is kept at a maximum of 0.
    """

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """x (batch, N × N), scores (batch, N) → back-pointers (batch, N) as floats, scores."""
        best, pointers = self._summands(x, state).max(1)
        return pointers.to(best.dtype), (best - best.amax(-1, keepdim=True),)

    def _reference_step(self) -> ReferenceStep:
        return reference.max_plus_step


class FollowCell(Cell):
    """One step back on the best path: back-pointers (batch, N) and a place (batch, 1) → the place before."""

    state_names = ("place",)

    def __init__(self, places: int) -> None:
        super().__init__(places, 1)

    def step(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """x (batch, N), place (batch, 1) → the place before it, twice."""
        before = x.gather(-1, state[0].to(torch.int64))
        return before, (before,)

    def _reference_step(self) -> ReferenceStep:
        return reference.follow_step


class LinearChainCRF(nn.Module):
    """Scores whole sequences of tags, and finds the best.

    Args:
        tags: K, how many tags there are.
        allowed: (K + 1) × (K + 1) booleans: whether the second may follow the first; the last row and column
            are the edge of a sequence. What may not follow is never taken and never learned. None: all may.

    Raises:
        InputError: where `allowed` has another shape, or allows no sequence at all.

    Example:
        >>> crf = LinearChainCRF(tags=5)
        >>> emissions, inside = torch.randn(2, 7, 5), torch.ones(2, 7, dtype=torch.bool)
        >>> tags, probabilities = crf(emissions, inside)
        >>> tags.shape, probabilities.shape
        (torch.Size([2, 7]), torch.Size([2, 7, 5]))
    """

    allowed: Tensor
    at_padding: Tensor

    def __init__(self, tags: int, allowed: Sequence[Sequence[bool]] | None = None) -> None:
        super().__init__()
        check_sizes("LinearChainCRF", tags=tags)
        self.tags = tags
        places = tags + 1
        # From tag to tag, from the edge to a first tag, from a last tag to the edge.
        self.transitions = nn.Parameter(0.1 * torch.randn(tags, tags))
        self.first = nn.Parameter(torch.zeros(tags))
        self.last = nn.Parameter(torch.zeros(tags))
        may_follow = torch.ones(places, places, dtype=torch.bool)
        if allowed is not None:
            given = torch.tensor(allowed, dtype=torch.bool)
            if given.shape != may_follow.shape:
                raise InputError(
                    f"LinearChainCRF: allowed must be {places} × {places}, the tags and the edge, found "
                    f"shape {tuple(given.shape)}."
                )
            may_follow &= given
        may_follow[-1, -1] = False
        if not may_follow[-1, :-1].any() or not may_follow[:-1, -1].any():
            raise InputError("LinearChainCRF: allowed lets no tag begin a sequence, or none end it.")
        self.register_buffer("allowed", may_follow, persistent=False)
        # A step behind a sequence's end leaves every score as it is.
        unchanged = torch.full((places, places), IMPOSSIBLE).fill_diagonal_(0.0)
        self.register_buffer("at_padding", unchanged, persistent=False)
        self.forwards = Recurrent(LogSumCell(places))
        self.backwards = Recurrent(LogSumCell(places))
        self.viterbi = Recurrent(MaxPlusCell(places))
        self.follow = Recurrent(FollowCell(places))

    def matrix(self) -> Tensor:
        """A: (N, N), the score of the second place after the first; `IMPOSSIBLE` where it is not allowed."""
        edge = torch.cat([self.first, self.first.new_zeros(1)]).unsqueeze(0)
        scores = torch.cat([torch.cat([self.transitions, self.last.unsqueeze(1)], dim=1), edge])
        return scores.masked_fill(~self.allowed, IMPOSSIBLE)

    def forward(self, emissions: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """The best path and the probabilities, as `decode` and `probabilities` give them.

        Args:
            emissions: (B, T, K).
            inside: (B, T) booleans, whether a step lies before its row's end; each row has one at least.
        """
        return self.decode(emissions, inside), self.probabilities(emissions, inside)

    def negative_log_likelihood(self, emissions: Tensor, path: Tensor, inside: Tensor) -> Tensor:
        """-log p(path) = log Σ_y exp s(y) - s(path), by the forward algorithm.

        Args:
            emissions, inside: as for `forward`.
            path: (B, T) integers in 0 … K - 1; anything behind a sequence's end.

        Returns:
            (B,), 0 or more.
        """
        return self.log_partition(emissions, inside) - self.path_score(emissions, path, inside)

    def log_partition(self, emissions: Tensor, inside: Tensor) -> Tensor:
        """log Σ_y exp s(y) over all K^T paths, (B,)."""
        sums, (scores,) = self.forwards(self._steps(emissions, inside))
        # A step in the padding adds log Σ exp of a state that is kept at 0.
        whole: Tensor = sums.logsumexp(-1).sum(1) + (scores.squeeze(0) + self.matrix()[:, -1]).logsumexp(-1)
        return whole

    def path_score(self, emissions: Tensor, path: Tensor, inside: Tensor) -> Tensor:
        """s(path), (B,); the arguments are those of `negative_log_likelihood`."""
        matrix, edge = self.matrix(), self.tags
        path = path.masked_fill(~inside, edge)
        bounds = path.new_full((len(path), 1), edge)
        steps = matrix[torch.cat([bounds, path], dim=1), torch.cat([path, bounds], dim=1)]
        # A step leads from the edge or from a place inside; from edge to edge, in the padding, is none.
        real = torch.cat([inside.new_ones(len(path), 1), inside], dim=1)
        taken = emissions.gather(-1, path.clamp(max=edge - 1).unsqueeze(-1)).squeeze(-1)
        return (steps * real).sum(1) + (taken * inside).sum(1)

    def decode(self, emissions: Tensor, inside: Tensor) -> Tensor:
        """The best path by Viterbi's algorithm: (B, T) int64, 0 behind a sequence's end."""
        pointers, (scores,) = self.viterbi(self._steps(emissions, inside))
        end = (scores.squeeze(0) + self.matrix()[:, -1]).argmax(-1).to(pointers.dtype)
        before, _ = self.follow(pointers.flip(1), end.reshape(1, -1, 1))
        # The first pointers lead back to the edge, which is no tag.
        backwards = torch.cat([end.reshape(-1, 1, 1), before[:, :-1]], dim=1)
        return backwards.flip(1).squeeze(-1).to(torch.int64) * inside

    def probabilities(self, emissions: Tensor, inside: Tensor) -> Tensor:
        """p(y_t = j) of each tag at each step by the forward-backward algorithm: (B, T, K), 0 at padding."""
        forwards, _ = self.forwards(self._steps(emissions, inside))
        backwards, _ = self.backwards(self._steps(emissions, inside, backwards=True).flip(1))
        tags = slice(0, self.tags)
        # Both hold the step's emission.
        scores: Tensor = forwards[..., tags] + backwards.flip(1)[..., tags] - emissions
        return scores.softmax(-1) * inside.unsqueeze(-1)

    def so_far(self, emissions: Tensor, inside: Tensor) -> Tensor:
        """p(y_t = j) given the steps up to t alone, (B, T, K): what can be said before the end is known."""
        forwards, _ = self.forwards(self._steps(emissions, inside))
        scores: Tensor = forwards[..., : self.tags]
        return scores.softmax(-1) * inside.unsqueeze(-1)

    def _steps(self, emissions: Tensor, inside: Tensor, backwards: bool = False) -> Tensor:
        """(B, T, N × N): what each step adds to a path that goes from a place to another one."""
        matrix = self.matrix()
        # The edge is no tag of a step.
        steps = (matrix.T if backwards else matrix) + F.pad(emissions, (0, 1), value=IMPOSSIBLE).unsqueeze(-2)
        return torch.where(inside.unsqueeze(-1).unsqueeze(-1), steps, self.at_padding).flatten(-2)

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        return f"tags={self.tags}"
