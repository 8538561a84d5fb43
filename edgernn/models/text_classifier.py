"""TextClassifier: what a text is about, from the numbers of its bytes or words to class scores."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.layers import Recurrent
from edgernn.models.named import cell_type, check_sizes
from edgernn.models.pooling import AttentionPooling, symbols_inside


class TextClassifier(nn.Module):
    """Scores the classes of whole texts: embedding, recurrent network, attention pooling, linear head.

    With e_t the embedding of symbol t, h_t the recurrent output there and v_t = (h_t, e_t),

        a = softmax_t(w · tanh(V v_t)),   y = softmax(W Σ_t a_t v_t + b)

    Symbol 0 fills shorter texts of a batch up on the right; a text ends before its trailing zeros, so the
    network takes symbols alone and needs no lengths beside them.

    Args:
        symbols: size of the vocabulary, the filling symbol 0 included.
        classes: how many classes there are.
        embedding_size: numbers that stand for a symbol.
        hidden_size: size of the recurrent layers, a direction.
        cell: name of a cell in `edgernn.cells`, in any case.
        num_layers: recurrent layers on top of each other.
        bidirectional: whether a second cell reads from the end to the start.
        dropout: probability of zeroing an element of the embeddings, between two recurrent layers and before
            the head, in training only.
        symbol_dropout: probability of leaving a whole symbol out of the embeddings, in training only.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> classifier = TextClassifier(symbols=257, classes=2)
        >>> classifier(torch.randint(0, 257, (4, 30))).shape
        torch.Size([4, 2])
    """

    # What stands behind the recurrent layers, and is not pretrained with them.
    answering: ClassVar[tuple[str, ...]] = ("query", "head")

    def __init__(
        self,
        symbols: int,
        classes: int,
        embedding_size: int = 64,
        hidden_size: int = 64,
        cell: str = "gru",
        num_layers: int = 1,
        bidirectional: bool = True,
        dropout: float = 0.0,
        symbol_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes("TextClassifier", symbols=symbols, classes=classes, embedding_size=embedding_size)
        if not 0.0 <= symbol_dropout < 1.0:
            raise InputError(f"TextClassifier: symbol_dropout must be in [0, 1), found {symbol_dropout!r}.")
        self.symbols, self.classes, self.symbol_dropout = symbols, classes, symbol_dropout
        self.embedding = nn.Embedding(symbols, embedding_size)
        nn.init.normal_(self.embedding.weight, std=0.1)
        first = cell_type(cell)(embedding_size, hidden_size)
        self.recurrent = Recurrent(first, num_layers, bidirectional, dropout)
        width = hidden_size * self.recurrent.directions + embedding_size
        self.dropout = nn.Dropout(dropout)
        self.query = AttentionPooling(width, hidden_size)
        self.head = nn.Linear(width, classes)

    def forward(self, ids: Tensor) -> Tensor:
        """Score the classes of each text.

        Args:
            ids: (batch, time) integers: numbers of symbols, zeros behind the end of a text.

        Returns:
            (batch, classes), probabilities.
        """
        return self.logits(ids).softmax(-1)

    def logits(self, ids: Tensor) -> Tensor:
        """As `forward`, before the softmax, for the loss."""
        hidden, embedded, inside = self.encode(ids)
        values = torch.cat([hidden, embedded], dim=-1)
        scores: Tensor = self.head(self.dropout(self.query.pool(values, inside)))
        return scores

    def encode(self, ids: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the recurrent layers make of each symbol.

        Returns:
            (batch, time, directions × hidden), the embeddings (batch, time, embedding), and which steps stand
            before the end of their text, (batch, time).
        """
        inside, lengths = symbols_inside(ids)
        embedded = self.embedding(ids)
        if self.training and self.symbol_dropout:
            kept = torch.rand(ids.shape, device=ids.device) >= self.symbol_dropout
            embedded = embedded * kept.unsqueeze(-1)
        embedded = self.dropout(embedded)
        hidden, _ = self.recurrent(embedded, lengths=lengths)
        return hidden, embedded, inside

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        return f"symbols={self.symbols}, classes={self.classes}"
