"""Large products by oneDNN against torch's own."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.cells import products
from edgernn.cells.products import linear, outer_product, through

from .tolerances import LARGE_SUMS

LARGE, SMALL = (20, 50, 32), (2, 5, 32)  # times 64 rows: above and below what oneDNN is asked for


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The shapes of what oneDNN was given."""
    found: list[tuple[int, ...]] = []
    original = products._by_onednn

    def counted(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        found.append((*x.shape[:-1], *weight.shape))
        return original(x, weight, bias)

    monkeypatch.setattr(products, "_by_onednn", counted)
    return found


def close(found: Tensor, wanted: Tensor) -> None:
    torch.testing.assert_close(found, wanted, **LARGE_SUMS)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("gaps", [True, False])
def test_a_large_linear_layer_and_its_gradients_are_torchs(calls, bias: bool, gaps: bool) -> None:
    x = torch.randn(*LARGE[:2], 2 * LARGE[2])[..., ::2].transpose(0, 1) if gaps else torch.randn(LARGE)
    x = x.detach().requires_grad_()
    weight = torch.randn(64, 32, requires_grad=True)
    shift = torch.randn(64, requires_grad=True) if bias else None
    inputs = [x, weight] if shift is None else [x, weight, shift]
    found, wanted = linear(x, weight, shift), F.linear(x, weight, shift)
    close(found, wanted)
    # A gradient with gaps too, such as a cut of a larger one.
    dy = torch.randn(*found.shape[:-1], 100)[..., :64]
    for ours, theirs in zip(
        torch.autograd.grad(found, inputs, dy), torch.autograd.grad(wanted, inputs, dy), strict=True
    ):
        close(ours, theirs)
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("shape", "dtype", "grad"),
    [(SMALL, torch.float32, True), (LARGE, torch.float64, True), (LARGE, torch.float32, False)],
)
def test_what_onednn_does_not_suit_is_torchs(calls, shape, dtype, grad: bool) -> None:
    x, weight = torch.randn(shape, dtype=dtype, requires_grad=True), torch.randn(64, 32, dtype=dtype)
    with torch.set_grad_enabled(grad):
        y = linear(x, weight)
    assert torch.equal(y, F.linear(x, weight))
    assert not calls


def test_it_can_be_switched_off_as_torch_switches_onednn_off(calls, monkeypatch: pytest.MonkeyPatch) -> None:
    x, weight = torch.randn(LARGE), torch.randn(64, 32, requires_grad=True)
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", False)
    linear(x, weight).sum().backward()
    assert not calls


def test_autocast_decides_the_type(calls) -> None:
    x, weight = torch.randn(LARGE), torch.randn(64, 32, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        assert linear(x, weight).dtype == torch.bfloat16
    assert not calls


def test_second_derivatives(calls) -> None:
    x, weight = torch.randn(LARGE, requires_grad=True), torch.randn(64, 32, requires_grad=True)

    def penalty(y: Tensor) -> Tensor:
        (slope,) = torch.autograd.grad(y.square().mean(), x, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), weight)[0]

    close(1e6 * penalty(linear(x, weight)), 1e6 * penalty(F.linear(x, weight)))
    assert calls


def test_a_layer_with_hooks_is_called(calls) -> None:
    layer, seen = nn.Linear(32, 64), []
    x = torch.randn(LARGE)
    close(through(layer, x), layer(x))
    assert calls
    calls.clear()
    layer.register_forward_pre_hook(lambda module, inputs: seen.append(len(inputs)))
    through(layer, x)
    assert seen == [1]
    assert not calls


@pytest.mark.parametrize("cut", [slice(None), slice(10, 60)])
def test_an_outer_product(calls, cut: slice) -> None:
    gradient, argument = torch.randn(20, 50, 80)[..., cut], torch.randn(20, 50, 32)
    wanted = torch.einsum("tbr,tbc->rc", gradient.double(), argument.double()).float()
    close(outer_product(gradient, argument), wanted)
    assert calls


def test_a_torch_without_that_product_multiplies_as_always(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        """No operator of oneDNN."""

    x, weight = torch.randn(64, 256), torch.randn(512, 256, requires_grad=True)
    expected = torch.nn.functional.linear(x, weight)
    monkeypatch.setattr(torch.ops, "mkldnn", Nothing())
    torch.testing.assert_close(products.linear(x, weight), expected)
