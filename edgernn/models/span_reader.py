"""SpanReader: where in a text the answer to a question begins and ends."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.layers import Recurrent
from edgernn.models.named import cell_type, check_sizes


class SpanReader(nn.Module):
    """Finds the words of a context that answer a question.

    A recurrent network reads context and question in both directions; for each word it also gets whether the
    other text holds it. With c_i and q_j what it makes of them, q the states at the question's ends and
    S_ij = c_i · W q_j ÷ √(2 hidden), attention goes both ways,

        u_i = Σ_j softmax_j(S_ij) q_j,   v = Σ_i softmax_i(max_j S_ij) c_i,
        g_i = (c_i, u_i, c_i u_i, c_i v, q)

    and a second one reads g; each word's (g_i, m_i) is scored as the answer's first and as its last one (Seo
    et al. 2017, "Bidirectional attention flow for machine comprehension", smaller: words without characters,
    and the end does not wait for the start).

    Args:
        words: size of the vocabulary, the filling symbol 0 and symbol 1 of unknown words included.
        unknown: numbers behind the vocabulary's. They all mean an unknown word, and tell such from another.
        words_a_question: places for words that a question has.
        embedding_size: numbers that stand for a word.
        hidden_size: size of the recurrent layers, a direction.
        cell: name of a cell in `edgernn.cells`, in any case.
        dropout: probability of zeroing an element of the layers' inputs, in training only.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> reader = SpanReader(words=40)
        >>> out = reader(torch.randint(1, 40, (2, 30)), torch.randint(1, 40, (2, 24)))
        >>> out["start"].shape, out["end"].shape
        (torch.Size([2, 30]), torch.Size([2, 30]))
    """

    def __init__(
        self,
        words: int,
        unknown: int = 4096,
        words_a_question: int = 24,
        embedding_size: int = 48,
        hidden_size: int = 48,
        cell: str = "gru",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes(
            "SpanReader", words=words, unknown=unknown, words_a_question=words_a_question,
            embedding_size=embedding_size,
        )  # fmt: skip
        self.words, self.unknown, self.words_a_question = words, unknown, words_a_question
        self.embedding = nn.Embedding(words, embedding_size)
        kind = cell_type(cell)
        self.reader = Recurrent(kind(embedding_size + 1, hidden_size), bidirectional=True)
        self.match = nn.Linear(2 * hidden_size, 2 * hidden_size, bias=False)
        self.modelling = Recurrent(kind(10 * hidden_size, hidden_size), bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(12 * hidden_size, 2)

    def forward(self, context: Tensor, question: Tensor) -> dict[str, Tensor]:
        """Find the answer to a question about each context.

        Args:
            context: (batch, time) integers: numbers of words; zeros behind the context's end.
            question: (batch, words a question) integers; zeros behind the question's end.

        Returns:
            start, end: (batch, time), the probability that the answer begins, ends with that word; each sums
            to 1 over the context's own words.

        Raises:
            InputError: where the question has another number of places for words.
        """
        start, end = self.scores(context, question)
        return {"start": start.softmax(-1), "end": end.softmax(-1)}

    def scores(self, context: Tensor, question: Tensor) -> tuple[Tensor, Tensor]:
        """As `forward`, before the last softmax, for the loss; places behind the context have -1e9."""
        if question.shape[1] != self.words_a_question:
            raise InputError(
                f"SpanReader: a question has {self.words_a_question} places for words, found shape "
                f"{tuple(question.shape)}."
            )
        inside, asked = context > 0, question > 0
        same = (context.unsqueeze(2) == question.unsqueeze(1)) & inside.unsqueeze(2) & asked.unsqueeze(1)
        read, _ = self._read(context, same.any(2))
        wanted, ends = self._read(question, same.any(1))
        similar = read @ self.match(wanted).transpose(1, 2) / math.sqrt(read.shape[-1])
        similar = similar.masked_fill(~asked.unsqueeze(1), -1e9)
        aware = similar.softmax(-1) @ wanted
        weights = similar.max(-1).values.masked_fill(~inside, -1e9).softmax(-1)
        central = (weights.unsqueeze(-1) * read).sum(1, keepdim=True)
        whole = ends.unsqueeze(1).expand(-1, context.shape[1], -1)
        joined = torch.cat([read, aware, read * aware, read * central, whole], dim=-1)
        lengths = inside.sum(1).clamp(min=1)
        modelled, _ = self.modelling(self.dropout(joined), lengths=lengths)
        found = self.head(self.dropout(torch.cat([joined, modelled], dim=-1)))
        found = found.masked_fill(~inside.unsqueeze(-1), -1e9)
        return found[..., 0], found[..., 1]

    def _read(self, numbers: Tensor, shared: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, words) integers, which the other text holds → (batch, words, 2 × hidden), and the ends."""
        known = numbers.masked_fill(numbers >= self.words, 1)
        values = torch.cat([self.dropout(self.embedding(known)), shared.unsqueeze(-1).float()], dim=-1)
        read, state = self.reader(values, lengths=(numbers > 0).sum(1).clamp(min=1))
        return read, state[0].transpose(0, 1).flatten(1)

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        return f"words={self.words}, unknown={self.unknown}, words_a_question={self.words_a_question}"
