"""What a network that speaks makes of recordings while it learns, and how far that is from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.models.speech_generator import SpeechGenerator
from edgernn.speech import SpeechSynthesizer, frame_places
from edgernn.training.alignment import alignment_scores, best_durations
from edgernn.training.recipe import Metadata
from edgernn.training.spectral import RESOLUTIONS, spectral_distance
from edgernn.training.spoken import SpeechBatch

# Frames of a recording that the vocoder learns from in a step, and those at their start that it warms up on.
_STRETCH, _WARM_UP = 36, 4
# Weights of the losses: spectra matter most, and a pitch is off by some semitones.
_SPECTRA, _PITCH = 2.0, 0.3
# What a pitch counts for where there is no voice: nobody hears it.
_UNVOICED = 0.1


class Said(NamedTuple):
    """What a network makes of a batch.

    Attributes:
        durations: of the likeliest alignment, (batch, symbols).
        logarithms: of the durations that it foretells, (batch, symbols).
        sketch: one spectrum a character, at its frames: (batch, frames, bands).
        mel, pitch: of the frames, normalised and in hertz.
        mel_truth: normalised.
        sound, sound_truth: stretches, (rows, samples).
    """

    durations: Tensor
    logarithms: Tensor
    sketch: Tensor
    mel: Tensor
    pitch: Tensor
    mel_truth: Tensor
    sound: Tensor
    sound_truth: Tensor


def say_again(model: SpeechGenerator, batch: SpeechBatch) -> Said:
    """What the network says in the place of recordings: each frame of the character that it belongs to."""
    vectors, logarithms = model.text(batch.numbers, batch.symbols)
    truth, sketch = model.normalization(batch.mel), model.sketch(batch.numbers)
    scores = alignment_scores(truth, sketch, batch.frames, batch.symbols)
    durations = best_durations(scores, batch.frames, batch.symbols)
    owners, places = _owners(durations, truth.shape[1])
    mel, pitch = model.frames(torch.cat([_taken(vectors, owners), places], dim=-1))
    sound, sound_truth = _stretches(model, batch, mel, truth)
    return Said(durations, logarithms, _taken(sketch, owners), mel, pitch, truth, sound, sound_truth)


def speech_losses(said: Said, truth: SpeechBatch) -> dict[str, Tensor]:
    """How far it is off, by what: scalars whose sum is learned from."""
    inside = (torch.arange(said.mel.shape[1], device=said.mel.device) < truth.frames[:, None]).float()
    known = (said.durations > 0).float()
    wanted = said.durations.clamp(min=1).float().log()
    weight = inside * torch.where(truth.voiced, 1.0, _UNVOICED)
    semitones = 12 * (said.pitch[..., 0].log2() - truth.pitch[..., 0].log2()).abs()

    def mean(values: Tensor, weights: Tensor) -> Tensor:
        return (values * weights).sum() / weights.sum()

    return {
        "alignment": mean((said.sketch - said.mel_truth).square().mean(-1), inside),
        "durations": mean((said.logarithms - wanted).abs(), known),
        "spectra": _SPECTRA * mean((said.mel - said.mel_truth).abs().mean(-1), inside),
        "pitch": _PITCH * mean(semitones, weight),
        "sound": spectral_distance(said.sound, said.sound_truth),
    }


def voice_of(model: SpeechGenerator, metadata: Metadata) -> SpeechSynthesizer:
    """The voice of a network that is run by torch: of whole texts, as its modules keep no state."""

    def run(module: nn.Module) -> Callable[..., tuple[np.ndarray, ...]]:
        @torch.no_grad()
        def call(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
            found = module(*map(torch.from_numpy, arrays))
            return tuple(part.numpy() for part in (found if isinstance(found, tuple) else (found,)))

        return call

    settings = model.settings()
    return SpeechSynthesizer(
        run(model.text),
        lambda: run(model.frames),
        lambda: run(model.vocoder),
        vocabulary=metadata.vocabulary,
        sample_rate=settings["sample_rate"],
        noise_size=settings["noise_size"],
    )


def _stretches(
    model: SpeechGenerator, batch: SpeechBatch, mel: Tensor, truth: Tensor
) -> tuple[Tensor, Tensor]:
    """A stretch of every other recording by the vocoder, of true spectra or the network's; and the truth."""
    device, hop = mel.device, model.vocoder.hop
    rows = torch.arange(0, len(mel), 2, device=device)
    # Long enough for the longest frame that sounds are compared by; beyond a recording there is silence.
    stretch = max(_STRETCH, _WARM_UP + 2 * max(RESOLUTIONS) // hop)
    room = (batch.frames[rows] - stretch).clamp(min=0)
    if model.training:
        starts = (torch.rand(len(rows), device=device) * (room + 1)).long()
        given = torch.where(torch.rand(len(mel), 1, 1, device=device) < 0.5, truth, mel.detach())
        generator = None
    else:
        starts, given, generator = room // 2, mel, torch.Generator().manual_seed(0)
    noise = torch.randn(len(rows), stretch, model.vocoder.noise_size, generator=generator).to(device)
    sound = model.vocoder(_cut(given[rows], starts, stretch), _cut(batch.pitch[rows], starts, stretch), noise)
    true = _cut(batch.samples[rows].unsqueeze(2), starts * hop, stretch * hop)[..., 0]
    return sound[:, _WARM_UP * hop :], true[:, _WARM_UP * hop :]


def _cut(values: Tensor, starts: Tensor, size: int) -> Tensor:
    """`size` steps of each row (batch, time, features) from its start on, filled up where it ends."""
    filled = F.pad(values, (0, 0, 0, max(0, size - values.shape[1])))
    places = starts[:, None] + torch.arange(size, device=starts.device)
    return filled[torch.arange(len(values), device=starts.device)[:, None], places]


def _owners(durations: Tensor, frames: int) -> tuple[Tensor, Tensor]:
    """Which character each frame belongs to, (batch, frames), and its place there, (batch, frames, 2)."""
    found = [frame_places(duration.cpu().numpy()) for duration in durations]
    owners = [F.pad(torch.from_numpy(owner), (0, frames - len(owner))) for owner, _ in found]
    places = [F.pad(torch.from_numpy(place), (0, 0, 0, frames - len(place))) for _, place in found]
    return torch.stack(owners).to(durations.device), torch.stack(places).to(durations.device)


def _taken(values: Tensor, owners: Tensor) -> Tensor:
    """For each frame the value of its character, (batch, frames, features)."""
    return values.gather(1, owners.unsqueeze(2).expand(-1, -1, values.shape[2]))
