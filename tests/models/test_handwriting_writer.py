"""The network that writes: its window, its densities, and that it goes on from a state."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import edgernn
from edgernn.errors import InputError, ParityError
from edgernn.models import HandwritingWriter
from edgernn.models.text_window import TextWindow
from edgernn.reference import text_window as reference


def model(**arguments: object) -> HandwritingWriter:
    torch.manual_seed(0)
    sizes = {"symbols": 4, "writers": 3, "text_length": 5, "hidden_size": 6, "window": 2, "components": 3}
    network = HandwritingWriter(**{**sizes, **arguments}).eval()
    network.fit_scale(torch.randn(100, 2) * 0.4, 30)
    return network


def inputs(batch: int = 3, steps: int = 12, text_length: int = 5) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return (
        torch.randn(batch, steps, 3, generator=generator),
        torch.randint(1, 5, (batch, text_length), generator=generator),
        torch.arange(batch) % 3,
    )


@pytest.mark.parametrize(("units", "symbols", "places", "components"), [(5, 3, 4, 2), (7, 2, 1, 1)])
def test_a_step_of_the_window_is_that_of_the_reference(
    units: int, symbols: int, places: int, components: int
) -> None:
    torch.manual_seed(0)
    own = 4
    cell = TextWindow(own + symbols * places, units, symbols, places, components).double()
    random = np.random.default_rng(0)
    text = np.eye(symbols)[random.integers(0, symbols, (2, places))].reshape(2, -1)
    state = tuple(random.normal(size=(2, size)) for size in cell.state_sizes)
    states = [state, state]
    for _ in range(6):
        x = np.concatenate([random.normal(size=(2, own)), text], axis=1)
        output, states[0] = reference.step(cell.numpy_parameters(), x, states[0])
        found, after = cell.step(torch.tensor(x), tuple(torch.tensor(part) for part in states[1]))
        states[1] = tuple(part.detach().numpy() for part in after)
        np.testing.assert_allclose(found.detach(), output, rtol=1e-10, atol=1e-12)
    for ours, theirs in zip(*states, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-12)
    # A window that stood still would be noticed.
    assert np.abs(states[0][2] - state[2]).min() > 0.1


def test_the_window_moves_forward_alone_and_shows_what_it_stands_on() -> None:
    torch.manual_seed(0)
    cell = TextWindow(2 + 3 * 4, 5, symbols=3, text_length=4, components=1)
    with torch.no_grad():
        cell.window.weight.zero_()
        cell.window.bias.copy_(torch.tensor([0.0, 4.0, 0.0]))  # narrow, and a place a step
    text = torch.eye(3)[[2, 0, 1, 0]]
    state = cell.initial_state(1)
    for place in range(4):
        output, state = cell.step(torch.cat([torch.randn(2), text.flatten()])[None], state)
        _, w, phi = output.split([5, 3, 4], dim=-1)
        torch.testing.assert_close(phi[0], torch.eye(4)[place])
        torch.testing.assert_close(w[0], text[place])
    output, _ = cell.step(torch.cat([torch.randn(2), text.flatten()])[None], state)
    assert output[0, 5:].abs().max() < 1e-20  # behind the text there is nothing to see


def test_what_it_gives_are_densities() -> None:
    mixture, pen, window = model()(*inputs())
    assert mixture.shape == (3, 12, 3, 6)
    torch.testing.assert_close(mixture[..., 0].exp().sum(-1), torch.ones(3, 12))
    torch.testing.assert_close(pen.exp().sum(-1), torch.ones(3, 12))
    assert (mixture[..., 3:5] > 0).all()
    assert (mixture[..., 5].abs() < 1).all()
    assert window.shape == (3, 12, 6)


def test_it_goes_on_from_a_state() -> None:
    network, (points, text, writer) = model(), inputs()
    whole = network(points, text, writer)
    *first, state = network.advance(points[:, :5], text, writer)
    *second, _ = network.advance(points[:, 5:], text, writer, state)
    for before, after, together in zip(first, second, whole, strict=True):
        torch.testing.assert_close(torch.cat([before, after], 1), together)
    *lost, _ = network.advance(points[:, 5:], text, writer)
    assert not torch.allclose(lost[0], second[0], atol=1e-4)


def test_points_text_and_writer_all_count_and_the_future_does_not() -> None:
    network, (points, text, writer) = model(), inputs()
    whole = network(points, text, writer)[0]
    later = points.clone()
    later[:, 7:] += 1.0
    found = network(later, text, writer)[0]
    torch.testing.assert_close(found[:, :7], whole[:, :7])
    assert not torch.allclose(found[:, 7:], whole[:, 7:])
    assert not torch.allclose(network(points, text % 4 + 1, writer)[0], whole)
    assert not torch.allclose(network(points, text, (writer + 1) % 3)[0], whole)
    # Without the text none of it counts.
    blind = model(reads=False)
    torch.testing.assert_close(blind(points, text % 4 + 1, writer)[0], blind(points, text, writer)[0])


def test_its_size_is_that_of_the_data() -> None:
    """Ways twice as long, learned at twice the scale: the same network gives densities twice as wide."""
    small, large = model(), model()
    large.scale.mul_(2.0)
    points, text, writer = inputs()
    found, (twice, *_) = (
        small(points, text, writer)[0],
        large(points * torch.tensor([2.0, 2, 1]), text, writer),
    )
    torch.testing.assert_close(twice, found * torch.tensor([1.0, 2, 2, 2, 2, 1]))


def test_its_file_streams_point_by_point_and_a_wrong_one_is_noticed(tmp_path: Path) -> None:
    network, example = model(), inputs()
    edgernn.export(network, tmp_path / "writer.onnx", example, streaming=True)
    session = edgernn.load(tmp_path / "writer.onnx")
    assert [spec.name for spec in session.outputs] == ["mixture", "pen", "window"]
    assert session.inputs[1].dims == ("batch", 5)
    points, text, writer = (tensor.numpy() for tensor in example)
    stream, cuts = session.stream(3), (1, 2, 6)
    parts = [stream.push(part, text, writer) for part in np.split(points, cuts, axis=1)]
    whole = [tensor.detach().numpy() for tensor in network(*example)]
    for index, name in enumerate(("mixture", "pen", "window")):
        np.testing.assert_allclose(
            np.concatenate([part[name] for part in parts], axis=1), whole[index], atol=1e-5
        )
    # The window's way back by a hair: the file is not that network's any more.
    cell = network.first.cells[0]
    assert isinstance(cell, TextWindow)
    with torch.no_grad():
        cell.window.bias[-1] += 0.01
    with pytest.raises(ParityError):
        edgernn.verify(network, tmp_path / "writer.onnx", example_inputs=example).raise_if_failed()


@pytest.mark.parametrize(
    "arguments", [{"symbols": 0}, {"writers": 0}, {"text_length": 1.5}, {"dropout": 1.0}]
)
def test_sizes_that_are_none_are_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(arguments))):
        model(**arguments)
