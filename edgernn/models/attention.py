"""Attention over what an encoder read: which places of it a step of the decoder looks at."""

from __future__ import annotations

import abc

import torch
from torch import Tensor, nn

from edgernn.errors import InputError

# Stands for minus infinity: its exponential is zero, and it fits 16-bit floats.
_NOWHERE = -1e4


class Attention(nn.Module, abc.ABC):
    """Weights of the places of a memory for every step of a decoder.

    Args:
        query_size: size of the decoder's states.
        memory_size: size of a place of the memory.
        size: size that both are brought to.
    """

    def __init__(self, query_size: int, memory_size: int, size: int) -> None:
        super().__init__()
        self.query = nn.Linear(query_size, size)
        # Its bias would add the same to all scores (dot) or stand beside the query's (additive).
        self.key = nn.Linear(memory_size, size, bias=False)

    def keys(self, memory: Tensor) -> Tensor:
        """What queries are compared with, once for a whole memory: (batch, places, size)."""
        found: Tensor = self.key(memory)
        return found

    @abc.abstractmethod
    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """How well each place fits: (batch, time, size) and (batch, places, size) → (batch, time, places)."""

    def forward(self, states: Tensor, memory: Tensor, keys: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Look at the memory.

        Args:
            states: (batch, time, query_size).
            memory: (batch, places, memory_size).
            keys: (batch, places, size): what `keys` gave of it.
            lengths: (batch,) integers: places that count, from 1.

        Returns:
            The contexts, (batch, time, memory_size), and the weights, (batch, time, places), which sum to 1.
        """
        inside = torch.arange(memory.shape[1], device=memory.device) < lengths[:, None]
        scores = self.scores(self.query(states), keys)
        weights = scores.masked_fill(~inside[:, None], _NOWHERE).softmax(-1)
        return torch.matmul(weights, memory), weights


class BahdanauAttention(Attention):
    """Additive attention: v · tanh(W q + U m).

    Source: Bahdanau, Cho, Bengio, "Neural Machine Translation by Jointly Learning to Align and Translate",
    ICLR 2015, section 3.1.
    """

    def __init__(self, query_size: int, memory_size: int, size: int) -> None:
        super().__init__(query_size, memory_size, size)
        self.energy = nn.Linear(size, 1, bias=False)

    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """See `Attention.scores`."""
        found: Tensor = self.energy(torch.tanh(query[:, :, None] + keys[:, None]))
        return found.squeeze(-1)


class DotAttention(Attention):
    """Multiplicative attention: W q · U m ÷ √size.

    Source: Luong, Pham, Manning, "Effective Approaches to Attention-based Neural Machine Translation", EMNLP
    2015, section 3.1 ("general"); the root as in Vaswani et al. 2017.
    """

    def scores(self, query: Tensor, keys: Tensor) -> Tensor:
        """See `Attention.scores`."""
        found: Tensor = torch.matmul(query, keys.transpose(1, 2)) * keys.shape[-1] ** -0.5
        return found


_KINDS: dict[str, type[Attention]] = {"bahdanau": BahdanauAttention, "dot": DotAttention}


def attention_type(name: str) -> type[Attention]:
    """The kind of attention of a name. Raises InputError where there is none."""
    if name not in _KINDS:
        raise InputError(f"attention: unknown kind {name!r}; use {' or '.join(_KINDS)}.")
    return _KINDS[name]
