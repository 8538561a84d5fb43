"""Ratios and gains in decibels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from edgernn.errors import InputError
from edgernn.training.metrics.speech import (
    GAIN_COLUMNS,
    Gain,
    gain_scores,
    gain_table,
    si_sdr,
    signal_to_noise,
)


def by_hand(found: np.ndarray, clean: np.ndarray) -> float:
    """Le Roux et al. (2019), equation 5, without the means."""
    found, clean = found - found.mean(), clean - clean.mean()
    target = (found @ clean) / (clean @ clean) * clean
    return float(10 * np.log10((target @ target) / ((target - found) @ (target - found))))


def test_the_ratio_is_that_of_the_equation() -> None:
    clean = torch.randn(3, 500)
    found = 0.7 * clean + torch.tensor([[0.1], [0.5], [2.0]]) * torch.randn(3, 500) + 0.2
    expected = [by_hand(*(row.double().numpy() for row in rows)) for rows in zip(found, clean, strict=True)]
    assert si_sdr(found, clean).tolist() == pytest.approx(expected, abs=1e-6)
    assert si_sdr(5 * found, clean).tolist() == pytest.approx(expected, abs=1e-6)
    # A loss that asks for the right loudness does see that.
    assert bool((signal_to_noise(5 * found, clean) < signal_to_noise(found, clean) - 5).all())


def test_noise_so_and_so_much_softer_is_so_many_decibels() -> None:
    clean = torch.sin(torch.arange(8000) / 5)[None]
    noise = torch.randn(1, 8000)
    noise *= clean.std() / noise.std() * 10 ** (-6 / 20)
    assert float(si_sdr(clean + noise, clean)) == pytest.approx(6, abs=0.1)
    assert float(signal_to_noise(clean + noise, clean)) == pytest.approx(6, abs=0.1)
    assert float(signal_to_noise(clean, clean)) == pytest.approx(30, abs=1e-3)
    assert float(signal_to_noise(clean, clean, largest=20)) == pytest.approx(20, abs=1e-3)


def test_what_has_no_ratio_is_refused() -> None:
    with pytest.raises(InputError, match="silent"):
        si_sdr(torch.randn(2, 9), torch.cat([torch.randn(1, 9), torch.zeros(1, 9)]))
    with pytest.raises(InputError, match=r"\(2, 9\) and \(2, 8\)"):
        si_sdr(torch.randn(2, 9), torch.randn(2, 8))


def test_gains_are_means_by_noise_and_loudness() -> None:
    gains = [
        Gain("rain", 5, 5.0, 12.0, 9.0),
        Gain("rain", 0, 0.0, 10.0, 4.0),
        Gain("fan", 0, 0.0, 4.0, 3.0),
    ]
    assert gain_scores(gains, "wiener") == pytest.approx(
        {
            "si_sdr": 26 / 3, "si_sdr_gain": 7, "gain_rain": 8.5, "gain_fan": 4, "gain_0_db": 7,
            "gain_5_db": 7,
            "si_sdr/wiener": 16 / 3, "si_sdr_gain/wiener": 11 / 3, "gain_rain/wiener": 4,
            "gain_fan/wiener": 3, "gain_0_db/wiener": 3.5, "gain_5_db/wiener": 4,
        }
    )  # fmt: skip
    table = gain_table(gains)
    assert table[0] == ["rain", "5", 1, "5.00", "12.00", "7.00", "4.00"]
    assert len(table) == 3
    assert all(len(row) == len(GAIN_COLUMNS) for row in table)
