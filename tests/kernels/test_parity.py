"""Every kind of layer × every instruction set of this processor × schemes, against numpy float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from .cases import SCHEMES, Layer, draw_many, draw_wide, expected, rounded
from .checks import check_close, check_equal, largest_error
from .conftest import processor
from .running import answers, available

# What CMakeLists.txt compiles for each kind of processor.
SETS = {
    "x86_64": {"avx2", "avx_vnni", "avx512", "avx512_vnni", "plain"},
    "aarch64": {"neon", "neon_dot", "plain"},
}
LAYERS = draw_many(seed=0, of_each=4)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_instruction_set_gives_what_the_reference_gives(
    run_cases: Path, tmp_path: Path, scheme: str
) -> None:
    found = {
        name: answers([run_cases], LAYERS, tmp_path, name, scheme=scheme) for name in available([run_cases])
    }
    for name, outputs in found.items():
        check_close(LAYERS, outputs, scheme=scheme)
        if scheme != "float32":
            check_equal(LAYERS, outputs, found["plain"])
        assert name in SETS[processor()]


@pytest.mark.parametrize("scheme", ["int8", "int4_16", "int4_32", "int4_64", "int4_128"])
def test_integers_are_as_near_to_their_own_weights_as_their_rounded_inputs_allow(
    run_cases: Path, tmp_path: Path, scheme: str
) -> None:
    """Against the very weights that the integers stand for, what is left is inputs and states, rounded."""
    best = available([run_cases])[0]
    found = answers([run_cases], LAYERS, tmp_path, best, scheme=scheme)
    check_equal(LAYERS, found, answers([run_cases], LAYERS, tmp_path, "plain", scheme=scheme))
    errors = [
        largest_error(answer, expected(rounded(layer, scheme)))
        for layer, answer in zip(LAYERS, found, strict=True)
    ]
    # An input is off by up to 1/254 of its row's largest; of many inputs most errors cancel.
    assert np.median(errors) < 0.01
    assert max(errors) < 0.05


@pytest.mark.parametrize("scheme", SCHEMES)
def test_chunks_batch_and_shares_change_nothing(run_cases: Path, tmp_path: Path, scheme: str) -> None:
    """Whole sequences, in two parts with carried states, and every row alone: the same to the last bit."""
    layers = [
        replace(layer, lengths=None)
        for layer in draw_many(seed=1, of_each=3)
        if layer.direction == "forward" and len(layer.x) > 1
    ]
    for name in available([run_cases]):
        whole = answers([run_cases], layers, tmp_path, name, scheme=scheme)
        in_shares = [replace(layer, shares=4) for layer in layers]
        check_equal(layers, answers([run_cases], in_shares, tmp_path, name, scheme=scheme), whole)

        rows = [
            replace(
                layer,
                x=layer.x[:, row : row + 1],
                h=None if layer.h is None else layer.h[:, row : row + 1],
                c=None if layer.c is None else layer.c[:, row : row + 1],
            )
            for layer in layers
            for row in range(layer.x.shape[1])
        ]
        alone = iter(answers([run_cases], rows, tmp_path, name, scheme=scheme))
        for layer, outputs in zip(layers, whole, strict=True):
            parts = [next(alone) for _ in range(layer.x.shape[1])]
            y = np.concatenate([part[0] for part in parts], axis=2)
            assert y.tobytes() == outputs[0].tobytes(), layer.name

        cut = [max(1, len(layer.x) // 3) for layer in layers]
        first = answers(
            [run_cases], [replace(layer, x=layer.x[:n]) for layer, n in zip(layers, cut, strict=True)],
            tmp_path, name, scheme=scheme,
        )  # fmt: skip
        rest = [
            replace(layer, x=layer.x[n:], h=begun[1], c=begun[2] if layer.about.cell else None)
            for layer, n, begun in zip(layers, cut, first, strict=True)
        ]
        second = answers([run_cases], rest, tmp_path, name, scheme=scheme)
        for layer, begun, ended, outputs in zip(layers, first, second, whole, strict=True):
            assert np.concatenate([begun[0], ended[0]]).tobytes() == outputs[0].tobytes(), layer.name
            assert ended[1].tobytes() == outputs[1].tobytes(), layer.name


@pytest.mark.parametrize("scheme", SCHEMES)
def test_threads_that_share_a_row_change_nothing(run_cases: Path, tmp_path: Path, scheme: str) -> None:
    """Nor do those that are missing: the program also does all shares in one thread, and in two."""
    for name in available([run_cases]):
        alone = answers([run_cases], draw_wide(seed=2, shares=1), tmp_path, name, scheme=scheme)
        for shares in (2, 3, 5):
            layers = draw_wide(seed=2, shares=shares)
            check_equal(layers, answers([run_cases], layers, tmp_path, name, scheme=scheme), alone)


def test_many_threads_on_one_layer_agree_with_one(run_cases: Path, tmp_path: Path) -> None:
    """The program itself compares them, and that a call allocates nothing after the first of its shape."""
    for scheme in SCHEMES:
        answers([run_cases], LAYERS[::6], tmp_path, available([run_cases])[0], scheme=scheme, threads=64)


SPECIAL: dict[str, Callable[[Layer], Layer]] = {
    "nan": lambda layer: _with(layer, np.nan),
    "infinity": lambda layer: _with(layer, np.inf),
    "denormal": lambda layer: replace(layer, x=layer.x * np.float32(1e-42)),
    "huge": lambda layer: replace(layer, x=layer.x * np.float32(1e30)),
    "far states": lambda layer: replace(layer, h=None if layer.h is None else layer.h * np.float32(10)),
}


def _with(layer: Layer, number: float) -> Layer:
    x = layer.x.copy()
    x[0, 0, 0] = number  # of the first row alone
    return replace(layer, x=x, lengths=None)


@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_special_numbers(run_cases: Path, tmp_path: Path, special: str, scheme: str) -> None:
    """They stay in their row, sets agree on them, and finite ones give what the reference gives."""
    plain = draw_many(seed=2, of_each=2)
    layers = [SPECIAL[special](layer) for layer in plain]
    found = {
        name: answers([run_cases], layers, tmp_path, name, scheme=scheme) for name in available([run_cases])
    }
    usual = answers([run_cases], [replace(layer, lengths=special_lengths(layer, special)) for layer in plain],
                    tmp_path, "plain", scheme=scheme)  # fmt: skip
    for name, outputs in found.items():
        if special in ("nan", "infinity"):
            for layer, answer, without in zip(layers, outputs, usual, strict=True):
                assert np.isfinite(answer[0][:, :, 1:]).all(), f"{name}, {layer.name}"
                np.testing.assert_allclose(answer[0][:, :, 1:], without[0][:, :, 1:], atol=1e-5)
                if special == "nan" and layer.direction == "forward":
                    # NaN goes in, NaN comes out: no ordinary numbers are made of it.
                    assert np.isnan(answer[0][:, 0, 0]).all(), f"{name}, {layer.name}"
        elif special == "far states":
            # Rounded in their own range, 1/127 of 10, not clipped to [-1, 1], which would be off by up to 1.
            allowed = 0.2 if scheme != "float32" else 1e-5
            for layer, answer in zip(layers, outputs, strict=True):
                assert largest_error(answer, expected(rounded(layer, scheme))) < allowed, (
                    f"{name}, {layer.name}"
                )
        elif special == "huge" and scheme != "float32":
            # A small input beside a huge one is rounded away, and gates are steps: values may differ.
            assert all(np.isfinite(part).all() for answer in outputs for part in answer), name
        else:
            kept = [index for index, layer in enumerate(layers) if layer.activation != "relu"]
            check_close([layers[i] for i in kept], [outputs[i] for i in kept], scheme=scheme)
        if scheme != "float32":
            check_equal(layers, outputs, found["plain"])


def special_lengths(layer: Layer, special: str) -> np.ndarray | None:
    """As `_with` leaves them."""
    return None if special in ("nan", "infinity") else layer.lengths


@pytest.mark.parametrize("scheme", SCHEMES)
def test_control_a_permuted_gate_is_seen(run_cases: Path, tmp_path: Path, scheme: str) -> None:
    layers = [replace(layer, lengths=None) for layer in LAYERS if layer.about.gates > 1 and layer.units >= 16]
    broken = [replace(layer, w=_swap_gates(layer)) for layer in layers]
    found = answers([run_cases], broken, tmp_path, available([run_cases])[0], scheme=scheme)
    for layer, answer in zip(layers, found, strict=True):
        with pytest.raises(AssertionError, match="off by"):
            check_close([layer], [answer], scheme=scheme)


def _swap_gates(layer: Layer) -> np.ndarray:
    w, units = layer.w.copy(), layer.units
    w[:, :units], w[:, units : 2 * units] = layer.w[:, units : 2 * units], layer.w[:, :units]
    return w


def test_control_another_bit_is_seen(run_cases: Path, tmp_path: Path) -> None:
    found = answers([run_cases], LAYERS[:1], tmp_path, "plain", scheme="int8")
    changed = [tuple(np.nextafter(part, np.float32(2)) for part in found[0])]
    with pytest.raises(AssertionError):
        check_equal(LAYERS[:1], found, changed)
