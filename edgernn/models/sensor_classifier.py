"""SensorClassifier: what a sensor's motion is, after every step, from raw values to class scores."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.layers import Recurrent
from edgernn.models.named import cell_type, check_sizes

# Samples that one convolution sees.
_KERNEL = 5
# How much larger than another input of the head the time elapsed is, so that small weights suffice for it.
_ELAPSED_GAIN = 2.0


class SensorClassifier(nn.Module):
    """Scores the classes of a recording while it comes in.

    Raw values are normalised, thinned out by strided convolutions that see the past alone, and read by a
    recurrent network. A linear head scores the classes, of the recurrent output at that step
    (`pooling="last"`), or of its mean since the start of the recording (`pooling="mean"`):

        z = (x − mean) / scale,   c = relu(conv(z)),   h = recurrent(c)
        y_t = softmax(W pool(h_1 … h_t) + b)

    With several `members`, as many such networks look at the recording side by side, each trained by itself
    (see `member_logits`), and the answer is of the mean of their scores: a new person or sensor throws one
    network off further than the mean of some.

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
        members: networks whose scores are averaged.
        magnitude_from: the value that each axis has where it measures nothing, e.g. 0. The length of every
            three channels' vector from there then joins them, which is the same however the sensor is turned.
            None: channels as they are.
        elapsed: whether the head also sees how long the recording is by now, as e = log n and e² of the n
            steps so far. For recordings of one motion each, whose duration tells something of it.
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
    magnitude_mean: Tensor
    magnitude_scale: Tensor
    elapsed_mean: Tensor
    elapsed_scale: Tensor

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
        members: int = 1,
        magnitude_from: float | None = None,
        elapsed: bool = False,
    ) -> None:
        super().__init__()
        check_sizes(
            "SensorClassifier", features=features, classes=classes, stride=stride, channels=channels,
            members=members,
        )  # fmt: skip
        if stride & (stride - 1):
            raise InputError(f"SensorClassifier: stride must be a power of 2, found {stride}.")
        if pooling not in ("last", "mean"):
            raise InputError(f"SensorClassifier: pooling must be 'last' or 'mean', found {pooling!r}.")
        if magnitude_from is not None and features % 3:
            raise InputError(
                f"SensorClassifier: magnitude_from is for sensors of three axes; found {features} channels."
            )
        self.features, self.classes, self.stride, self.pooling = features, classes, stride, pooling
        self.members, self.magnitude_from, self.elapsed = members, magnitude_from, elapsed
        self.hidden_size = hidden_size
        inputs = features + (features // 3 if magnitude_from is not None else 0)
        convolutions = stride.bit_length() - 1

        def thinning() -> nn.ModuleList:
            return nn.ModuleList(
                nn.Conv1d(channels if index else inputs, channels, _KERNEL, stride=2)
                for index in range(convolutions)
            )

        def reading() -> Recurrent:
            first = cell_type(cell)(channels if convolutions else inputs, hidden_size)
            return Recurrent(first, num_layers, dropout=dropout)

        self.convolutions, self.recurrent = thinning(), reading()
        # The members beside the first, which is also the one that is pretrained.
        self.others: Any = nn.ModuleList(
            nn.ModuleDict({"convolutions": thinning(), "recurrent": reading()}) for _ in range(members - 1)
        )
        self.dropout = nn.Dropout(dropout)
        # The mean of the members' heads is one head of all their outputs.
        self.head = nn.Linear(members * hidden_size + 2 * elapsed, classes)
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(features))
        if magnitude_from is not None:
            self.register_buffer("magnitude_mean", torch.zeros(features // 3))
            self.register_buffer("magnitude_scale", torch.ones(features // 3))
        if elapsed:
            self.register_buffer("elapsed_mean", torch.zeros(()))
            self.register_buffer("elapsed_scale", torch.ones(()))

    @torch.no_grad()
    def fit_normalization(self, values: Tensor, lengths: Tensor | None = None) -> None:
        """Set the normalisation from the recordings of the training part.

        Args:
            values: (time, features), raw values of all recordings, one after the other.
            lengths: (recordings,), samples of each; needed with `elapsed` alone.

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
        self.mean.copy_(values.double().mean(0))
        self.scale.copy_(_deviation(values))
        if self.magnitude_from is not None:
            magnitudes = self._magnitudes(values)
            self.magnitude_mean.copy_(magnitudes.double().mean(0))
            self.magnitude_scale.copy_(_deviation(magnitudes))
        if self.elapsed:
            if lengths is None:
                raise InputError("fit_normalization: give the recordings' lengths, for elapsed=True.")
            steps = (self.last_output(lengths) + 1).double().log().unsqueeze(1)
            self.elapsed_mean.copy_(steps.mean())
            self.elapsed_scale.copy_(_deviation(steps)[0])

    def forward(self, x: Tensor) -> Tensor:
        """Score the classes after every `stride`-th sample.

        Args:
            x: (batch, time, features), raw values.

        Returns:
            (batch, ceil(time / stride), classes), probabilities. Output n has seen samples 0 … n × stride.
        """
        return self.logits(x).softmax(-1)

    def logits(self, x: Tensor) -> Tensor:
        """As `forward`, before the softmax: the mean over the members."""
        pooled = self._pooled(x)
        seen = self.dropout(torch.cat(pooled, -1))
        if self.elapsed:
            seen = torch.cat([seen, self._elapsed(pooled[0])], -1)
        scores: Tensor = self.head(seen)
        return scores

    def member_logits(self, x: Tensor) -> Tensor:
        """Each member's own scores, for the loss: (batch, ceil(time / stride), members, classes).

        Trained on their mean the members would share out the work; trained by themselves they differ by how
        they started and by dropout alone.
        """
        sizes = [self.hidden_size] * self.members
        *weights, of_elapsed = self.head.weight.split([*sizes, 2 * self.elapsed], 1)
        pooled = self._pooled(x)
        shared = F.linear(self._elapsed(pooled[0]), of_elapsed) if self.elapsed else 0.0
        scores = [
            F.linear(self.dropout(values), self.members * weight, self.head.bias) + shared
            for values, weight in zip(pooled, weights, strict=True)
        ]
        return torch.stack(scores, 2)

    def _elapsed(self, like: Tensor) -> Tensor:
        """How long it took so far, at each step: (batch, steps, 2)."""
        count = torch.ones_like(like[..., :1]).cumsum(1)
        e = _ELAPSED_GAIN * (count.log() - self.elapsed_mean) / self.elapsed_scale
        return torch.cat([e, e.square() / _ELAPSED_GAIN], -1)

    def normalise(self, x: Tensor) -> Tensor:
        """Raw values with mean 0 and deviation 1 in each channel of the training part."""
        return (x - self.mean) / self.scale

    def encode(self, z: Tensor, member: int = 0) -> Tensor:
        """(batch, time, features) normalised → (batch, ceil(time / stride), hidden): the recurrent output."""
        convolutions, recurrent = self.convolutions, self.recurrent
        if member:
            other = self.others[member - 1]
            convolutions, recurrent = other["convolutions"], other["recurrent"]
        if self.magnitude_from is not None:
            lengths = self._magnitudes(z * self.scale + self.mean)
            z = torch.cat([z, (lengths - self.magnitude_mean) / self.magnitude_scale], -1)
        z = z.transpose(1, 2)
        for convolution in convolutions:
            z = F.relu(convolution(F.pad(z, (_KERNEL - 1, 0))))
        hidden: Tensor = recurrent(self.dropout(z.transpose(1, 2)))[0]
        return hidden

    def _pooled(self, x: Tensor) -> list[Tensor]:
        """What the head sees of each member: (batch, ceil(time / stride), hidden)."""
        z = self.normalise(x)
        found = [self.encode(z, member) for member in range(self.members)]
        if self.pooling == "last":
            return found
        steps = torch.ones_like(found[0][..., :1]).cumsum(1)
        return [hidden.cumsum(1) / steps for hidden in found]

    def _magnitudes(self, values: Tensor) -> Tensor:
        """The length of each vector of three channels: (…, features ÷ 3)."""
        assert self.magnitude_from is not None
        squares = (values - self.magnitude_from).square().unflatten(-1, (-1, 3))
        # Not quite zero, where the root has no gradient.
        lengths: Tensor = (squares.sum(-1) + 1e-12).sqrt()
        return lengths

    def last_output(self, lengths: Tensor) -> Tensor:
        """Which output is the last one of recordings of `lengths` samples."""
        return (lengths - 1) // self.stride

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        sizes = f"features={self.features}, classes={self.classes}, stride={self.stride}"
        return f"{sizes}, pooling={self.pooling!r}"


def _deviation(values: Tensor) -> Tensor:
    """Standard deviations over time, 1 in place of 0: a channel that never changes is only centred."""
    scale = values.double().std(0, correction=0)
    return torch.where(scale > 0, scale, torch.ones_like(scale))
