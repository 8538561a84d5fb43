"""What augmentation keeps, how much of it changes, and that it is off, seeded and resumed exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

from edgernn.training import find_recipe, shipped_recipes, train
from edgernn.training.augmentation import (
    NoisyInputs,
    SignalAugmentation,
    crop,
    drop_steps,
    mask_steps,
    signal_augmentation,
)
from edgernn.training.mix_up import mix_up, soft_cross_entropy, soft_labels
from edgernn.training.options import read_options

STEPS, SHARES, SEEDS = st.integers(1, 60), st.floats(0.05, 0.95), st.integers(0, 1000)
RECORDINGS = shipped_recipes().get("sensor-activity", Path()) / "tiny.csv"
TEXTS = shipped_recipes().get("text-classify", Path()) / "tiny.tsv"


def ramp(steps: int) -> Tensor:
    """(steps, 2): a sequence whose values tell their step."""
    return torch.arange(1.0, 2 * steps + 1).reshape(steps, 2)


@given(STEPS, SHARES, SEEDS)
def test_dropped_steps_are_gone_and_the_rest_is_in_order(steps: int, share: float, seed: int) -> None:
    torch.manual_seed(seed)
    values = ramp(steps)
    left = drop_steps(values, share)
    assert min(8, steps) <= len(left) <= steps
    assert len(left) >= round(steps * (1 - share))
    numbers = left[:, 0]
    assert (numbers.diff() > 0).all()
    assert set(numbers.tolist()) <= set(values[:, 0].tolist())
    symbols = drop_steps(torch.arange(steps), share, shortest=1)
    assert len(symbols) >= 1


def test_every_step_is_dropped_as_often_as_any_other() -> None:
    torch.manual_seed(0)
    counts = torch.zeros(40)
    for _ in range(2000):
        counts[drop_steps(torch.arange(40), 0.5)] += 1
    # A quarter on average, of a share between none and a half.
    assert 1 - float(counts.mean()) / 2000 == pytest.approx(0.25, abs=0.01)
    assert counts.max() - counts.min() < 0.08 * 2000


@given(STEPS, SHARES, SEEDS)
def test_masked_steps_are_one_piece_and_the_rest_stays(steps: int, share: float, seed: int) -> None:
    torch.manual_seed(seed)
    values = ramp(steps)
    fill = torch.tensor([-1.0, -2.0])
    masked = mask_steps(values, share, fill)
    hidden = (masked == fill).all(-1)
    assert masked.shape == values.shape
    assert int(hidden.sum()) <= round(steps * share) + 1
    assert torch.equal(masked[~hidden], values[~hidden])
    where = hidden.nonzero().flatten()
    assert len(where) == 0 or int(where[-1] - where[0]) + 1 == len(where)
    assert torch.equal(values, ramp(steps))


def test_a_share_up_to_what_was_asked_is_masked() -> None:
    torch.manual_seed(0)
    shares = [float((mask_steps(torch.ones(100), 0.4, 0) == 0).float().mean()) for _ in range(1000)]
    assert max(shares) == pytest.approx(0.4, abs=0.01)
    assert sum(shares) / 1000 == pytest.approx(0.2, abs=0.02)


@given(STEPS, SHARES, SEEDS)
def test_a_crop_is_one_piece(steps: int, share: float, seed: int) -> None:
    torch.manual_seed(seed)
    cut = crop(ramp(steps), share)
    assert len(cut) >= max(min(8, steps), round(steps * (1 - share)))
    assert (cut.diff(dim=0) == 2).all()


def test_off_is_bit_identical_and_draws_no_random_numbers() -> None:
    values = ramp(30)
    before = torch.get_rng_state()
    augment = signal_augmentation(SignalAugmentation(), values)
    assert augment(values) is values
    signals, labels = [values, values + 1], soft_labels([0, 1], 2)
    mixed, mixed_labels = mix_up(signals, labels, 0.0)
    assert mixed[0] is values
    assert mixed_labels is labels
    assert torch.equal(before, torch.get_rng_state())


@given(st.lists(STEPS, min_size=1, max_size=8), st.floats(0.1, 2), SEEDS)
def test_a_mixed_label_is_in_the_measure_of_its_signals(
    lengths: list[int], strength: float, seed: int
) -> None:
    torch.manual_seed(seed)
    # Each signal is constantly its class's number, so that a mean over time tells how much of which is in it.
    signals = [torch.full((steps, 1), float(number)) for number, steps in enumerate(lengths)]
    labels = soft_labels(list(range(len(lengths))), len(lengths))
    mixed, found = mix_up(signals, labels, strength)
    assert [len(signal) for signal in mixed] == lengths
    torch.testing.assert_close(found.sum(1), torch.ones(len(lengths)))
    assert (found.diagonal() >= 0.5 - 1e-6).all()
    means = torch.stack([signal.mean() for signal in mixed])
    torch.testing.assert_close(found @ torch.arange(float(len(lengths))), means, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("weights", [None, torch.tensor([0.3, 2.0, 1.0])])
def test_the_loss_of_one_hot_labels_is_that_of_classes(weights: Tensor | None) -> None:
    torch.manual_seed(0)
    output, classes = torch.randn(6, 3), [0, 2, 1, 1, 0, 2]
    own = soft_cross_entropy(output, soft_labels(classes, 3), weights)
    torch.testing.assert_close(own, F.cross_entropy(output, torch.tensor(classes), weight=weights))


def test_a_mixed_label_counts_what_its_parts_do() -> None:
    output, weights = torch.randn(1, 2), torch.tensor([1.0, 3.0])
    of_class = -output.log_softmax(-1)[0]
    found = soft_cross_entropy(output, torch.tensor([[0.75, 0.25]]), weights)
    torch.testing.assert_close(found, (0.75 * of_class[0] + 0.75 * of_class[1]) / 1.5)


def test_smoothing_is_torchs() -> None:
    torch.manual_seed(0)
    output, classes = torch.randn(5, 4), [0, 3, 2, 1, 1]
    found = soft_cross_entropy(output, soft_labels(classes, 4, 0.2), None)
    torch.testing.assert_close(found, F.cross_entropy(output, torch.tensor(classes), label_smoothing=0.2))


def test_noise_reaches_the_inputs_alone() -> None:
    samples = torch.utils.data.TensorDataset(torch.zeros(500, 20, 2), torch.ones(500, 1))
    torch.manual_seed(0)
    noisy = NoisyInputs(samples, 0.1, torch.tensor([1.0, 50.0]))
    inputs, targets = noisy[list(range(500))]
    assert len(noisy) == 500
    assert torch.equal(targets, torch.ones(500, 1))
    torch.testing.assert_close(inputs.std((0, 1)), torch.tensor([0.1, 5.0]), rtol=0.05, atol=0)
    assert not torch.equal(noisy[[0]][0], noisy[[0]][0])


ALL = {
    "crop": 0.2,
    "stretch": 0.2,
    "rescale": 0.1,
    "noise": 0.1,
    "drop_steps": 0.2,
    "mask_steps": 0.2,
    "mix_up": 0.3,
}
TINY = {"max_epochs": 3, "hidden_size": 4, "validation_size": 0.3, "schedule": "constant"}
# What each recipe may be told; all at once, which also tells that they go together.
CASES = {
    "sensor-activity": (RECORDINGS, {**TINY, **ALL, "channels": 4, "class_weights": "balanced"}),
    "text-classify": (TEXTS, {**TINY, "drop_steps": 0.3, "mask_steps": 0.3, "label_smoothing": 0.1}),
    "forecast": (None, {**TINY, "noise": 0.2, "validation_size": 0.1}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_augmented_run_resumes_exactly(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EDGERNN_DATA", raising=False)
    data, options = CASES[name]
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(name, data=data, options=options, out=whole, max_epochs=2, device="cpu", quiet=True)
    train(name, data=data, options=options, out=parts, max_epochs=1, device="cpu", quiet=True)
    train(name, out=parts, max_epochs=2, resume=True, device="cpu", quiet=True)
    a, b = (load_file(folder / "last.safetensors") for folder in (whole, parts))
    assert all(torch.equal(a[tensor], b[tensor]) for tensor in a)
    # Augmentation is on: without it another network comes out.
    off = {option: 0.0 for option in (*ALL, "label_smoothing") if option in options}
    train(
        name,
        data=data,
        options={**options, **off},
        out=tmp_path / "off",
        max_epochs=2,
        device="cpu",
        quiet=True,
    )
    c = load_file(tmp_path / "off" / "last.safetensors")
    assert any(not torch.equal(a[tensor], c[tensor]) for tensor in a)


def test_validation_is_never_augmented() -> None:
    recipe = find_recipe("sensor-activity")
    options = read_options(recipe.options_type, {**CASES["sensor-activity"][1], "label_column": "label"})
    prepared = recipe.prepare(options, RECORDINGS)
    samples = [prepared.validation[n] for n in range(3)]
    padded, lengths, classes = recipe.collate()(samples)
    assert lengths.tolist() == [len(values) for values, _ in samples]
    assert all(torch.equal(padded[n, : lengths[n]], values) for n, (values, _) in enumerate(samples))
    assert classes.tolist() == [cls for _, cls in samples]
    # The check above would not see a recipe that augments nothing at all.
    torch.manual_seed(0)
    changed, _, labels = recipe.collate_training(prepared)(samples)
    assert labels.shape == (3, len(prepared.metadata.labels))
    assert changed.shape != padded.shape or not torch.equal(changed, padded)
