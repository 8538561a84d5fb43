"""How much of a waveform is what it should be, and what a denoiser gained: in decibels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from torch import Tensor

from edgernn.errors import InputError

# What is missed or too loud in a waveform is not counted below this share of it: −60 dB.
_SMALLEST_POWER = 1e-8


def si_sdr(found: Tensor, clean: Tensor) -> Tensor:
    """Scale-invariant signal-to-distortion ratio in decibels, (batch,), of waveforms (batch, samples).

    10 log10(|αs|² / |αs − ŝ|²) with the α that makes it largest, both without their means: how loud the
    found waveform is does not matter. Source: Le Roux et al. (2019), "SDR – half-baked or well done?";
    computed by torchmetrics, in float64.

    Raises:
        InputError: shapes that differ, or a clean waveform that is silent, of which nothing can be found.
    """
    from torchmetrics.functional.audio import scale_invariant_signal_distortion_ratio

    if found.shape != clean.shape or not clean.shape[-1]:
        raise InputError(
            f"waveforms: must have one shape, with samples; found {tuple(found.shape)} and "
            f"{tuple(clean.shape)}."
        )
    if bool((clean == clean[..., :1]).all(-1).any()):
        raise InputError("waveforms: a clean one is silent; a ratio to nothing says nothing.")
    ratio: Tensor = scale_invariant_signal_distortion_ratio(found.double(), clean.double(), zero_mean=True)
    return ratio


def signal_to_noise(found: Tensor, clean: Tensor, largest: float = 30.0) -> Tensor:
    """Signal-to-noise ratio in decibels, (batch,), that rises to `largest` and no further: negated, a loss.

    10 log10 |s|² − 10 log10(|s − ŝ|² + τ|s|²), τ = 10^(−largest / 10). Other than `si_sdr` it asks for the
    right loudness too, and what is nearly perfect moves a network no more. Source: Wisdom et al. (2020),
    "Unsupervised sound separation using mixture invariant training".

    Args:
        found, clean: (batch, samples).
        largest: decibels.
    """
    power = clean.square().sum(-1) + _SMALLEST_POWER
    error = (found - clean).square().sum(-1)
    ratio: Tensor = 10 * (power.log10() - (error + 10 ** (-largest / 10) * power).log10())
    return ratio


@dataclass(frozen=True)
class Gain:
    """A noisy recording's ratio, as it was and after denoising.

    Attributes:
        noise: the kind of noise.
        decibels: how much louder the speech was.
        before: `si_sdr` of the noisy recording.
        after: of what a denoiser made of it.
        baseline: of what there is to compare with.
    """

    noise: str
    decibels: float
    before: float
    after: float
    baseline: float


def gain_scores(gains: Sequence[Gain], baseline: str) -> dict[str, float]:
    """Means over recordings: `si_sdr`, `si_sdr_gain`, and the gain of each noise and at each loudness.

    Those of the baseline stand beside them, as "name/baseline".
    """
    groups = {"si_sdr_gain": list(gains)}
    for gain in gains:
        groups.setdefault(f"gain_{gain.noise}", []).append(gain)
    for gain in sorted(gains, key=lambda gain: gain.decibels):
        groups.setdefault(f"gain_{gain.decibels:g}_db", []).append(gain)
    scores = {"si_sdr": fmean(gain.after for gain in gains)}
    scores |= {name: fmean(g.after - g.before for g in group) for name, group in groups.items()}
    scores[f"si_sdr/{baseline}"] = fmean(gain.baseline for gain in gains)
    return scores | {
        f"{name}/{baseline}": fmean(g.baseline - g.before for g in group) for name, group in groups.items()
    }


GAIN_COLUMNS = (
    "noise", "speech_over_noise_db", "recordings", "si_sdr_noisy", "si_sdr", "gain", "gain_baseline",
)  # fmt: skip


def gain_table(gains: Sequence[Gain]) -> list[list[object]]:
    """A row of `GAIN_COLUMNS` for each noise at each loudness, with means over its recordings."""
    rows: list[list[object]] = []
    for noise, decibels in dict.fromkeys((gain.noise, gain.decibels) for gain in gains):
        group = [gain for gain in gains if (gain.noise, gain.decibels) == (noise, decibels)]
        before, after = fmean(gain.before for gain in group), fmean(gain.after for gain in group)
        compared = fmean(gain.baseline for gain in group) - before
        numbers = (before, after, after - before, compared)
        rows.append([noise, f"{decibels:g}", len(group), *(f"{number:.2f}" for number in numbers)])
    return rows
