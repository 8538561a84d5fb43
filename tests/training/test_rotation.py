from __future__ import annotations

import pytest
import torch

from edgernn.errors import InputError
from edgernn.training.rotation import rotate, rotation


def test_a_rotation_keeps_lengths_angles_and_hands() -> None:
    torch.manual_seed(0)
    for _ in range(5):
        turn = rotation(1.0)
        torch.testing.assert_close(turn @ turn.T, torch.eye(3), atol=1e-6, rtol=0)
        assert float(torch.det(turn)) == pytest.approx(1)


def test_the_angle_is_of_the_spread() -> None:
    torch.manual_seed(0)
    angles = torch.stack([((rotation(0.2).trace() - 1) / 2).clamp(-1, 1).acos() for _ in range(500)])
    assert float(angles.square().mean().sqrt()) == pytest.approx(0.2, rel=0.15)


def test_each_sensor_turns_about_the_centre_alike() -> None:
    torch.manual_seed(0)
    values = torch.randn(20, 3) + 7
    turned = rotate(values.repeat(1, 2), 0.5, centre=7.0)
    torch.testing.assert_close(turned[:, :3], turned[:, 3:])
    torch.testing.assert_close((turned[:, :3] - 7).norm(dim=1), (values - 7).norm(dim=1))
    assert not torch.allclose(turned[:, :3], values)
    assert rotate(values, 0.0) is values


def test_channels_that_are_no_triples_are_refused() -> None:
    with pytest.raises(InputError, match="three axes; found 4 channels"):
        rotate(torch.randn(5, 4), 0.1)
