"""KeywordSpotter: which word was just spoken, from the waveform, while it comes in."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.features.log_mel import LogMel
from edgernn.features.masking import SpecAugment
from edgernn.features.normalization import FixedNormalization, RunningNormalization
from edgernn.layers import Recurrent
from edgernn.models.named import cell_type, check_sizes

# Frames and bands that one convolution sees.
_KERNEL = 5


class KeywordSpotter(nn.Module):
    """Scores words in a waveform after every frame; the last class is "no word at all".

    Log-mel features are normalised, read by a convolution over time and frequency where there is one
    (`channels`), and by a recurrent network:

        x = normalise(log_mel(s)),   c = relu(batch_norm(conv(x))),   h = recurrent(c)
        p_t = mean of softmax(W h + b) over the last `smoothing` frames
        y_t = p_t − threshold for words, and 0 for no word

    so that the largest y is the answer. Convolutions see the past alone: the network streams with no
    look-ahead. Source of the convolutional form: Arik et al. (2017), "Convolutional recurrent neural networks
    for small-footprint keyword spotting"; of smoothing and threshold: Chen et al. (2014), "Small-footprint
    keyword spotting using deep neural networks".

    Args:
        classes: words, and the class of no word.
        sample_rate: samples a second.
        frame, hop: samples of a frame, and from one to the next.
        bands: mel bands.
        channels: output channels of the convolution; 0: no convolution.
        hidden_size: size of the recurrent layers.
        cell: name of a cell in `edgernn.cells`, in any case.
        num_layers: recurrent layers on top of each other.
        normalization: "fixed" by the training data, or "running", which follows the loudness of a room.
        smoothing: frames whose probabilities are averaged.
        dropout: probability of zeroing an element around and between recurrent layers, in training only.
        hidden_frames, hidden_bands: most frames and bands that training hides (SpecAugment).

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> KeywordSpotter(classes=12, sample_rate=16000)(torch.randn(2, 16000)).shape
        torch.Size([2, 61, 12])
    """

    threshold: Tensor
    is_word: Tensor

    def __init__(
        self,
        classes: int,
        sample_rate: float = 16000,
        frame: int = 512,
        hop: int = 256,
        bands: int = 40,
        channels: int = 0,
        hidden_size: int = 96,
        cell: str = "gru",
        num_layers: int = 2,
        normalization: Literal["fixed", "running"] = "fixed",
        smoothing: int = 8,
        dropout: float = 0.0,
        hidden_frames: int = 0,
        hidden_bands: int = 0,
    ) -> None:
        super().__init__()
        check_sizes("KeywordSpotter", classes=classes, hidden_size=hidden_size, smoothing=smoothing)
        if classes < 2:
            raise InputError("KeywordSpotter: classes must be 2 or more: a word, and no word.")
        if normalization not in ("fixed", "running"):
            raise InputError(
                f"KeywordSpotter: normalization must be 'fixed' or 'running', found {normalization!r}."
            )
        self.classes, self.smoothing = classes, smoothing
        self.log_mel = LogMel(sample_rate, frame, hop, bands)
        self.normalization: FixedNormalization | RunningNormalization
        if normalization == "fixed":
            self.normalization = FixedNormalization(bands)
        else:
            self.normalization = RunningNormalization(bands, 2 * sample_rate / hop)  # two seconds
        self.masking = SpecAugment(hidden_frames, hidden_bands)
        self.convolution: nn.Conv2d | None = None
        width = bands
        if channels:
            check_sizes("KeywordSpotter", channels=channels)
            self.convolution = nn.Conv2d(1, channels, _KERNEL, stride=(1, 2), padding=(0, _KERNEL // 2))
            self.batch_normalization = nn.BatchNorm2d(channels)
            width = channels * ((bands + 1) // 2)
        self.recurrent = Recurrent(cell_type(cell)(width, hidden_size), num_layers, dropout=dropout)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden_size, classes)
        self.register_buffer("threshold", torch.tensor(0.5))
        is_word = torch.ones(classes)
        is_word[-1] = 0.0
        self.register_buffer("is_word", is_word, persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """Score the words after every frame.

        Args:
            samples: (batch, samples) within ±1.

        Returns:
            (batch, frames, classes): how far a word's probability is above the threshold; 0 for no word.
        """
        return (self.probabilities(samples) - self.threshold) * self.is_word

    def probabilities(self, samples: Tensor) -> Tensor:
        """Smoothed probabilities, (batch, frames, classes)."""
        probabilities = self.logits(samples).softmax(-1).transpose(1, 2)
        # Before the first frame no word was spoken, nor anything else: the sum begins at 0.
        padded = F.pad(probabilities, (self.smoothing - 1, 0))
        return F.avg_pool1d(padded, self.smoothing, stride=1).transpose(1, 2)

    def logits(self, samples: Tensor) -> Tensor:
        """Scores before softmax and smoothing, (batch, frames, classes), for the loss."""
        x = self.masking(self.normalization(self.log_mel(samples)))
        if self.convolution is not None:
            image = F.pad(x.unsqueeze(1), (0, 0, _KERNEL - 1, 0))  # past frames alone
            image = F.relu(self.batch_normalization(self.convolution(image)))
            x = image.transpose(1, 2).flatten(2)
        hidden, _ = self.recurrent(self.dropout(x))
        scores: Tensor = self.head(self.dropout(hidden))
        return scores

    @torch.no_grad()
    def fit_normalization(self, recordings: list[Tensor]) -> None:
        """Set the normalisation from the recordings of the training part, each (samples,)."""
        self.normalization.fit(torch.cat([self.log_mel(samples[None])[0] for samples in recordings]))

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        return f"classes={self.classes}, smoothing={self.smoothing}"
