"""Recordings with texts, as what a network that speaks learns from: spectra, pitch and samples by frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from edgernn.errors import InputError
from edgernn.features.log_mel import LogMel
from edgernn.speech import text_numbers
from edgernn.training.pitch import track_pitch
from edgernn.training.utterances import Utterance

# The frame that a pitch is read from holds so many periods of the lowest one.
_PERIODS = 2.2
LOWEST_PITCH, HIGHEST_PITCH = 60.0, 400.0
# Silence that is put before a recording, in frames: where the space before its text has its place.
_SILENCE = 4


@dataclass(frozen=True, eq=False)
class Speech:
    """One recording.

    Attributes:
        numbers: (symbols,) of the text's characters, with silence before and behind it.
        mel: (frames, bands), logarithms of the bands' energies.
        pitch: (frames, 1) in hertz.
        voiced: (frames,) booleans.
        samples: (frames × hop,).
        text: what is said.
    """

    numbers: Tensor
    mel: Tensor
    pitch: Tensor
    voiced: Tensor
    samples: Tensor
    text: str


class SpeechBatch(NamedTuple):
    """Recordings, filled up on the right; fields as those of `Speech`, with a batch.

    Attributes:
        symbols, frames: (batch,) how many of each row count.
    """

    numbers: Tensor
    symbols: Tensor
    mel: Tensor
    frames: Tensor
    pitch: Tensor
    voiced: Tensor
    samples: Tensor


class Speeches(Dataset):
    """Recordings with texts."""

    def __init__(self, items: Sequence[Speech]) -> None:
        self.items = list(items)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Speech:
        return self.items[index]


def analyse(utterance: Utterance, vocabulary: Sequence[str], log_mel: LogMel) -> Speech:
    """What is learned of a recording, with silence before it. Frame n is centred on the end of its samples.

    Raises:
        InputError: the text holds a character that the vocabulary does not, or has more characters than the
            recording has frames.
    """
    hop = log_mel.hop
    try:
        numbers = text_numbers(utterance.text, vocabulary)
    except InputError as error:
        raise InputError(f"data: {utterance.where}: {error}") from error
    frames = len(utterance.samples) // hop + _SILENCE
    if frames < len(numbers):
        raise InputError(
            f"data: {utterance.where}: {len(utterance.samples) / log_mel.sample_rate:.2f} s are too short "
            f"for a text of {len(numbers) - 2} characters. Is it the text of this recording?"
        )
    samples = F.pad(utterance.samples, (_SILENCE * hop, 0))[: frames * hop]
    mel = log_mel(_around(samples, log_mel.frame, hop)[None])[0, :frames]
    window = round(_PERIODS * log_mel.sample_rate / LOWEST_PITCH)
    windows = _around(samples, window, hop).unfold(0, window, hop)[:frames]
    pitch, voiced = track_pitch(windows, log_mel.sample_rate, LOWEST_PITCH, HIGHEST_PITCH)
    return Speech(torch.tensor(numbers), mel, pitch[:, None], voiced, samples, utterance.text)


def _around(samples: Tensor, window: int, hop: int) -> Tensor:
    """Silence before and behind, so that windows from the start on are centred on the ends of the hops."""
    return F.pad(samples, (window // 2 - hop, window))


def speech_batch(items: list[Speech]) -> SpeechBatch:
    """Recordings as a batch."""

    def padded(parts: list[Tensor]) -> Tensor:
        return pad_sequence(parts, batch_first=True)

    return SpeechBatch(
        padded([item.numbers for item in items]),
        torch.tensor([len(item.numbers) for item in items]),
        padded([item.mel for item in items]),
        torch.tensor([len(item.mel) for item in items]),
        padded([item.pitch for item in items]).clamp(min=1.0),
        padded([item.voiced for item in items]),
        padded([item.samples for item in items]),
    )
