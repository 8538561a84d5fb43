"""LanguageModel: which symbol comes next, from the symbols so far."""

from __future__ import annotations

from torch import Tensor, nn

from edgernn.cells import State
from edgernn.layers import Recurrent
from edgernn.models.named import cell_type, check_sizes


class LanguageModel(nn.Module):
    """Gives every symbol its probability to come next: embedding, recurrent network, linear head.

    Args:
        symbols: size of the vocabulary.
        embedding_size: numbers that stand for a symbol.
        hidden_size: size of the recurrent layers.
        cell: name of a cell in `edgernn.cells`, in any case.
        num_layers: recurrent layers on top of each other.
        dropout: probability of zeroing an element of the embeddings, between two recurrent layers and before
            the head, in training only.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> model = LanguageModel(symbols=257)
        >>> model(torch.randint(0, 257, (4, 30))).shape
        torch.Size([4, 30, 257])
    """

    def __init__(
        self,
        symbols: int,
        embedding_size: int = 64,
        hidden_size: int = 512,
        cell: str = "lstm",
        num_layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes("LanguageModel", symbols=symbols, embedding_size=embedding_size)
        self.symbols = symbols
        self.embedding = nn.Embedding(symbols, embedding_size)
        self.recurrent = Recurrent(cell_type(cell)(embedding_size, hidden_size), num_layers, dropout=dropout)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, symbols)

    def forward(self, ids: Tensor) -> Tensor:
        """Score what comes after each symbol.

        Args:
            ids: (batch, time) integers: numbers of symbols.

        Returns:
            (batch, time, symbols), natural logarithms of the probabilities of the next symbol.
        """
        return self.scores(ids)[0].log_softmax(-1)

    def scores(self, ids: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """As `forward`, before the softmax, from a state on.

        Args:
            ids: (batch, time).
            state: as `Recurrent` takes it; None: the initial one.

        Returns:
            (batch, time, symbols), and the state at the end.
        """
        hidden, state = self.recurrent(self.dropout(self.embedding(ids)), state)
        return self.head(self.dropout(hidden)), state

    def initial_state(self, batch: int) -> State:
        """The state in front of a text: (layers, batch, size) each."""
        return self.recurrent.initial_state(batch)

    def extra_repr(self) -> str:
        """Size, for `print(module)`."""
        return f"symbols={self.symbols}"
