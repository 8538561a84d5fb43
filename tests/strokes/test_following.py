"""Drawing where the pen goes: from densities as they are, with bias, and to the end of a text."""

from __future__ import annotations

import numpy as np
import pytest

from edgernn.reference.mixture_density import log_density
from edgernn.strokes.following import DONE, LIFTED, WRITES_ON, Foreseen, draw_pen, draw_way, follow

MIXTURE = np.array([[np.log(0.75), 1.0, 2.0, 0.5, 1.0, 0.6], [np.log(0.25), -3.0, 0.0, 0.2, 0.2, -0.3]])


def draws(bias: float, count: int = 4000) -> np.ndarray:
    generator = np.random.default_rng(0)
    return np.stack([draw_way(MIXTURE, generator, bias=bias) for _ in range(count)])


def test_what_is_drawn_has_the_density_that_was_given() -> None:
    found = draws(0.0)
    first = found[:, 0] > -2
    assert first.mean() == pytest.approx(0.75, abs=0.03)
    np.testing.assert_allclose(found[first].mean(0), [1, 2], atol=0.07)
    np.testing.assert_allclose(found[first].std(0), [0.5, 1.0], rtol=0.06)
    assert np.corrcoef(found[first].T)[0, 1] == pytest.approx(0.6, abs=0.05)
    # The mean of log p over what was drawn is what it is for a distribution itself; another's is less.
    own = log_density(np.repeat(MIXTURE[None], len(found), 0), found).mean()
    assert (
        log_density(np.repeat(MIXTURE[None] + [0, 0, 0.5, 0, 0, 0], len(found), 0), found).mean() < own - 0.05
    )


def test_bias_narrows_the_densities_and_prefers_the_heavy_one() -> None:
    found = draws(1.5)
    first = found[:, 0] > -2
    # 0.75 ^ 2.5 ÷ (0.75 ^ 2.5 + 0.25 ^ 2.5)
    assert first.mean() == pytest.approx(0.94, abs=0.02)
    np.testing.assert_allclose(found[first].std(0), np.exp(-1.5) * np.array([0.5, 1.0]), rtol=0.06)
    assert np.ptp(draws(30.0), axis=0).max() < 1e-6


def test_the_pen_does_what_is_likely_and_does_not_end_where_it_may_not() -> None:
    log_p, generator = np.log([0.5, 0.3, 0.2]), np.random.default_rng(0)
    found = np.bincount([draw_pen(log_p, generator) for _ in range(4000)], minlength=3) / 4000
    np.testing.assert_allclose(found, [0.5, 0.3, 0.2], atol=0.03)
    # 0.5² ÷ (0.5² + 0.3² + 0.2²)
    found = np.bincount([draw_pen(log_p, generator, bias=1.0) for _ in range(4000)], minlength=3) / 4000
    np.testing.assert_allclose(found, np.array([25, 9, 4]) / 38, atol=0.03)
    found = np.bincount([draw_pen(log_p, generator, may_end=False) for _ in range(4000)], minlength=3) / 4000
    np.testing.assert_allclose(found, [0.625, 0.375, 0.0], atol=0.03)


class Network:
    """Goes right by 1 a point, two points a symbol and a stroke; the pen does as told."""

    def __init__(self, symbols: int, likely: dict[int, int], text_length: int = 9, pace: int = 2) -> None:
        self.symbols, self.likely, self.text_length, self.pace = symbols, likely, text_length, pace
        self.told: list[np.ndarray] = []

    def __call__(self, point: np.ndarray) -> Foreseen:
        step = len(self.told)
        self.told.append(point.copy())
        window = np.eye(self.text_length + 1)[min(step // self.pace, self.text_length)]
        pen = np.full(3, -60.0)
        pen[self.likely.get(step, WRITES_ON)] = 0.0
        return Foreseen(np.array([[0.0, 1.0, 0.0, 1e-9, 1e-9, 0.0]]), pen, window)


def test_strokes_are_parted_where_the_pen_is_lifted_and_the_network_is_told() -> None:
    network = Network(3, {1: LIFTED, 4: DONE})
    written = follow(network, 3, np.random.default_rng(0))
    assert written.finished
    assert [stroke[:, 0].round(6).tolist() for stroke in written.strokes] == [[1, 2], [3, 4, 5]]
    told = np.stack(network.told)
    np.testing.assert_allclose(told[:, 0], [0, 1, 1, 1, 1], atol=1e-6)
    np.testing.assert_array_equal(told[:, 2], [1, 0, 1, 0, 0])


def test_a_text_does_not_end_before_its_last_symbol_is_seen() -> None:
    written = follow(Network(3, dict.fromkeys(range(99), DONE)), 3, np.random.default_rng(0))
    assert sum(map(len, written.strokes)) == 5  # the window comes to the third symbol with the fifth point


def test_a_text_that_was_left_behind_is_over_when_the_pen_is_lifted() -> None:
    network = Network(2, {30: LIFTED})
    written = follow(network, 2, np.random.default_rng(0))
    assert written.finished
    assert len(network.told) == 31
    # A lift soon after the end may be before the dot of an i.
    network = Network(2, {6: LIFTED, 30: LIFTED})
    assert len(follow(network, 2, np.random.default_rng(0)).strokes) == 2


@pytest.mark.parametrize(("lifted", "done", "ended"), [(0.4, 0.6, 1.0), (0.7, 0.3, 0.3)])
def test_behind_the_text_a_pen_stops_for_good_where_that_is_likelier(
    lifted: float, done: float, ended: float
) -> None:
    class Doubtful(Network):
        def __call__(self, point: np.ndarray) -> Foreseen:
            found = super().__call__(point)
            return found._replace(pen=np.log([1e-9, lifted, done])) if len(self.told) == 6 else found

    def strokes(seed: int) -> int:
        return len(follow(Doubtful(2, {9: DONE}), 2, np.random.default_rng(seed)).strokes)

    found = [strokes(seed) for seed in range(200)]
    assert np.mean(np.array(found) == 1) == pytest.approx(ended, abs=0.1)


def test_a_network_that_never_ends_is_stopped() -> None:
    written = follow(Network(2, {}), 2, np.random.default_rng(0))
    assert not written.finished
    assert sum(map(len, written.strokes)) == 120


def test_the_same_seed_gives_the_same_strokes() -> None:
    class Loose(Network):
        def __call__(self, point: np.ndarray) -> Foreseen:
            return super().__call__(point)._replace(mixture=MIXTURE)

    one, same, other = (
        np.concatenate(follow(Loose(3, {9: DONE}), 3, np.random.default_rng(seed)).strokes)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)
