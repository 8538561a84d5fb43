"""FusionClassifier: one answer from a signal and a text, each read at its own rate by its own network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.layers import Recurrent
from edgernn.models.named import cell_type, check_sizes
from edgernn.models.pooling import AttentionPooling, symbols_inside

# Samples that one convolution sees.
_KERNEL = 5


class FusionClassifier(nn.Module):
    """Scores the classes of a signal and a text that belong together.

    The signal is normalised and thinned out by strided convolutions, the text is embedded; each is read in
    both directions by a recurrent network of its own and pooled by attention, to p and q. Then

        y = softmax(W relu(U [p, q] + c) + b)

    Both have a time axis of their own, of any length. Shorter texts of a batch are filled up with zeros,
    which are no symbols; signals of one call have one length, or come with their lengths in `logits`.

    Args:
        features: channels of the signal.
        symbols: size of the text's vocabulary, the filling symbol 0 included.
        classes: how many classes there are.
        hidden_size: size of each recurrent network, a direction, and of the layer that joins them.
        embedding_size: numbers that stand for a symbol.
        cell: name of a cell in `edgernn.cells`, in any case.
        stride: samples of the signal a recurrent step, a power of 2.
        channels: output channels of each convolution.
        dropout: probability of zeroing an element around the recurrent networks, in training only.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> classifier = FusionClassifier(features=3, symbols=257, classes=7)
        >>> classifier(torch.randn(2, 100, 3), torch.randint(0, 257, (2, 12))).shape
        torch.Size([2, 7])
    """

    # Time axes that have nothing to do with each other, for `edgernn.export`.
    input_dims = {"signal": ("batch", "time", None), "text": ("batch", "symbols")}  # noqa: RUF012

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        features: int,
        symbols: int,
        classes: int,
        hidden_size: int = 32,
        embedding_size: int = 16,
        cell: str = "gru",
        stride: int = 4,
        channels: int = 32,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes(
            "FusionClassifier", features=features, symbols=symbols, classes=classes, stride=stride,
            channels=channels, embedding_size=embedding_size,
        )  # fmt: skip
        if stride & (stride - 1):
            raise InputError(f"FusionClassifier: stride must be a power of 2, found {stride}.")
        self.features, self.symbols, self.classes, self.stride = features, symbols, classes, stride
        convolutions = stride.bit_length() - 1
        self.convolutions = nn.ModuleList(
            nn.Conv1d(channels if index else features, channels, _KERNEL, stride=2)
            for index in range(convolutions)
        )
        kind = cell_type(cell)
        self.signal_network = Recurrent(
            kind(channels if convolutions else features, hidden_size), bidirectional=True
        )
        self.embedding = nn.Embedding(symbols, embedding_size)
        self.text_network = Recurrent(kind(embedding_size, hidden_size), bidirectional=True)
        self.signal_query = AttentionPooling(2 * hidden_size, hidden_size)
        self.text_query = AttentionPooling(2 * hidden_size, hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.join = nn.Linear(4 * hidden_size, hidden_size)
        self.head = nn.Linear(hidden_size, classes)
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))

    @torch.no_grad()
    def fit_normalization(self, values: Tensor) -> None:
        """Set the signal's normalisation from the training part.

        Args:
            values: (time, features), raw values of all signals, one after the other.

        Raises:
            InputError: where the shape does not fit, or a value is not finite.
        """
        if values.dim() != 2 or values.shape[1] != self.features or not len(values):
            raise InputError(
                f"fit_normalization: values must be (time, {self.features}), found shape "
                f"{tuple(values.shape)}."
            )
        if not bool(torch.isfinite(values).all()):
            raise InputError("fit_normalization: values hold NaN or infinity; fill or remove them.")
        scale = values.double().std(0, correction=0)
        self.mean.copy_(values.double().mean(0))
        self.scale.copy_(torch.where(scale > 0, scale, torch.ones_like(scale)))

    def forward(self, signal: Tensor, text: Tensor) -> Tensor:
        """Score the classes.

        Args:
            signal: (batch, time, features), raw values.
            text: (batch, symbols) integers: numbers of symbols, zeros behind the end of a text.

        Returns:
            (batch, classes), probabilities.
        """
        return self.logits(signal, text).softmax(-1)

    def logits(self, signal: Tensor, text: Tensor, lengths: Tensor | None = None) -> Tensor:
        """As `forward`, before the softmax, for the loss.

        Args:
            signal, text: as in `forward`.
            lengths: (batch,), samples of each signal; None: all.
        """
        joined = torch.cat([self._read_signal(signal, lengths), self._read_text(text)], -1)
        scores: Tensor = self.head(F.relu(self.join(self.dropout(joined))))
        return scores

    def _read_signal(self, signal: Tensor, lengths: Tensor | None) -> Tensor:
        z = ((signal - self.mean) / self.scale).transpose(1, 2)
        for convolution in self.convolutions:
            z = F.relu(convolution(F.pad(z, (_KERNEL - 1, 0))))
        steps = self.dropout(z.transpose(1, 2))
        if lengths is None:
            hidden, _ = self.signal_network(steps)
            return self.signal_query.pool(hidden)
        lengths = (lengths - 1) // self.stride + 1
        hidden, _ = self.signal_network(steps, lengths=lengths)
        inside = torch.arange(steps.shape[1], device=lengths.device) < lengths.unsqueeze(1)
        return self.signal_query.pool(hidden, inside)

    def _read_text(self, text: Tensor) -> Tensor:
        inside, lengths = symbols_inside(text)
        hidden, _ = self.text_network(self.dropout(self.embedding(text)), lengths=lengths)
        return self.text_query.pool(hidden, inside)

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        return f"features={self.features}, symbols={self.symbols}, classes={self.classes}"
