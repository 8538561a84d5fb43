"""SensorClassifier: what a sensor's motion is, after every step, from raw values to class scores."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.layers import Recurrent
from edgernn.models.named import cell_type, check_sizes

# Samples that one convolution sees.
_KERNEL = 5


class SensorClassifier(nn.Module):
    """Scores the classes of a recording while it comes in.

    Raw values are normalised, thinned out by strided convolutions that see the past alone, and read by a
    recurrent network. A linear head scores the classes, of the recurrent output at that step
    (`pooling="last"`), or of its mean since the start of the recording (`pooling="mean"`):

        z = (x − mean) / scale,   c = relu(conv(z)),   h = recurrent(c)
        y_t = softmax(W pool(h_1 … h_t) + b)

    No output depends on a later input, so the network streams sample by sample; its last output of a
    recording is the answer for all of it.

    Args:
        features: channels of the sensor.
        classes: how many classes there are.
        hidden_size: size of the recurrent layers.
        cell: name of a cell in `edgernn.cells`, in any case.
        num_layers: recurrent layers on top of each other.
        stride: samples an output, a power of 2: each convolution halves the rate. 1: no convolution.
        channels: output channels of each convolution.
        pooling: "last" or "mean".
        dropout: probability of zeroing an element behind the convolutions, between two recurrent layers and
            before the head, in training only.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> classifier = SensorClassifier(features=3, classes=7, stride=4)
        >>> classifier(torch.randn(2, 100, 3)).shape
        torch.Size([2, 25, 7])
    """

    # What stands behind the recurrent layers, and is not pretrained with them.
    answering: ClassVar[tuple[str, ...]] = ("head",)
    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        features: int,
        classes: int,
        hidden_size: int = 64,
        cell: str = "gru",
        num_layers: int = 1,
        stride: int = 4,
        channels: int = 32,
        pooling: Literal["last", "mean"] = "mean",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes("SensorClassifier", features=features, classes=classes, stride=stride, channels=channels)
        if stride & (stride - 1):
            raise InputError(f"SensorClassifier: stride must be a power of 2, found {stride}.")
        if pooling not in ("last", "mean"):
            raise InputError(f"SensorClassifier: pooling must be 'last' or 'mean', found {pooling!r}.")
        self.features, self.classes, self.stride, self.pooling = features, classes, stride, pooling
        convolutions = stride.bit_length() - 1
        self.convolutions = nn.ModuleList(
            nn.Conv1d(channels if index else features, channels, _KERNEL, stride=2)
            for index in range(convolutions)
        )
        first = cell_type(cell)(channels if convolutions else features, hidden_size)
        self.recurrent = Recurrent(first, num_layers, dropout=dropout)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, classes)
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))

    @torch.no_grad()
    def fit_normalization(self, values: Tensor) -> None:
        """Set the normalisation from the recordings of the training part.

        Args:
            values: (time, features), raw values of all recordings, one after the other.

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
        # A channel that never changes is only centred.
        self.scale.copy_(torch.where(scale > 0, scale, torch.ones_like(scale)))

    def forward(self, x: Tensor) -> Tensor:
        """Score the classes after every `stride`-th sample.

        Args:
            x: (batch, time, features), raw values.

        Returns:
            (batch, ceil(time / stride), classes), probabilities. Output n has seen samples 0 … n × stride.
        """
        return self.logits(x).softmax(-1)

    def logits(self, x: Tensor) -> Tensor:
        """As `forward`, before the softmax, for the loss."""
        hidden = self.encode(self.normalise(x))
        if self.pooling == "mean":
            steps = torch.ones_like(hidden[..., :1]).cumsum(1)
            hidden = hidden.cumsum(1) / steps
        scores: Tensor = self.head(self.dropout(hidden))
        return scores

    def normalise(self, x: Tensor) -> Tensor:
        """Raw values with mean 0 and deviation 1 in each channel of the training part."""
        return (x - self.mean) / self.scale

    def encode(self, z: Tensor) -> Tensor:
        """(batch, time, features) normalised → (batch, ceil(time / stride), hidden): the recurrent output."""
        z = z.transpose(1, 2)
        for convolution in self.convolutions:
            z = F.relu(convolution(F.pad(z, (_KERNEL - 1, 0))))
        hidden: Tensor = self.recurrent(self.dropout(z.transpose(1, 2)))[0]
        return hidden

    def last_output(self, lengths: Tensor) -> Tensor:
        """Which output is the last one of recordings of `lengths` samples."""
        return (lengths - 1) // self.stride

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        sizes = f"features={self.features}, classes={self.classes}, stride={self.stride}"
        return f"{sizes}, pooling={self.pooling!r}"
