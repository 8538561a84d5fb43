"""Turning three-axis sensors in space: another way to wear one leaves what it was worn for as it is."""

from __future__ import annotations

import torch
from torch import Tensor

from edgernn.errors import InputError


def rotate(values: Tensor, spread: float, centre: float = 0.0) -> Tensor:
    """Turn each three channels together, by an angle of standard deviation `spread` about any axis.

    Args:
        values: (time, features), a multiple of three features: x, y and z of one sensor after the other.
        spread: of the angle, in radians.
        centre: the value that an axis has where it measures nothing.

    Raises:
        InputError: where the features are no triples.
    """
    if not spread:
        return values
    if values.shape[1] % 3:
        raise InputError(f"option rotate: is for sensors of three axes; found {values.shape[1]} channels.")
    vectors: Tensor = (values - centre).unflatten(1, (-1, 3))
    return (vectors @ rotation(spread).T + centre).flatten(1)


def rotation(spread: float) -> Tensor:
    """(3, 3), a rotation about a random axis, the angle normal with that standard deviation (Rodrigues)."""
    x, y, z = torch.nn.functional.normalize(torch.randn(3), dim=0).tolist()
    angle = spread * torch.randn(())
    cross = torch.tensor([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return torch.eye(3) + angle.sin() * cross + (1 - angle.cos()) * cross @ cross
