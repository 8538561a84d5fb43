"""What does not fit is refused, and the message names the argument, what was found and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgernn.errors import InputError
from edgernn.reference import gru, lstm, output, rnn, run
from edgernn.reference.gradient_check import check_gradients, gradient_error
from edgernn.reference.losses import cross_entropy, mean_squared_error
from edgernn.reference.optimizer import gradient_descent

X, H = np.zeros((2, 4, 3)), np.zeros((2, 5))
RNN = {"weight_ih": np.zeros((5, 3)), "weight_hh": np.zeros((5, 5))}
LSTM = {"weight_ih": np.zeros((20, 3)), "weight_hh": np.zeros((20, 5))}
LINEAR = {"weight": np.zeros((2, 5))}
VALUE = np.zeros((2, 2))


def no_step(x: np.ndarray, state: Any) -> Any:
    return x, state


CASES: dict[str, tuple[Callable[[], Any], str]] = {
    "x without time": (
        lambda: rnn.forward(RNN, X[:, 0], (H,)),
        r"x: shape \(2, 3\), expected \(batch, time, input\)",
    ),
    "x with time": (lambda: rnn.step(RNN, X, (H,)), r"x: shape \(2, 4, 3\), expected \(batch, 3\)"),
    "features": (lambda: rnn.forward(RNN, X[:, :, :2], (H,)), r"x: shape \(2, 2\), expected \(batch, 3\)"),
    "no steps": (lambda: rnn.forward(RNN, X[:, :0], (H,)), "x: 0 time steps, at least 1"),
    "words": (lambda: rnn.forward(RNN, [[["a"]]], (H,)), "x: dtype <U1, allowed are real numbers"),
    "complex": (lambda: rnn.forward(RNN, X * 1j, (H,)), "x: dtype complex128, allowed are real numbers"),
    "bare state": (lambda: rnn.forward(RNN, X, H), r"state: found ndarray, expected a tuple of 1 array"),
    "one state": (lambda: lstm.forward(LSTM, X, (H,)), r"state: found 1 arrays, expected a tuple of 2 array"),
    "batch": (lambda: lstm.forward(LSTM, X, (H, H[:1])), r"state\[1\]: shape \(1, 5\), expected \(2, 5\)"),
    "gates": (lambda: gru.forward(LSTM, X, (H,)), r"weight_hh: shape \(20, 5\), expected \(15, 5\)"),
    "weight_ih": (
        lambda: rnn.forward({**RNN, "weight_ih": np.zeros((4, 3))}, X, (H,)),
        r"weight_ih: shape \(4, 3\), expected \(5, input\)",
    ),
    "bias": (
        lambda: rnn.forward({**RNN, "bias_hh": np.zeros(4)}, X, (H,)),
        r"bias_hh: shape \(4,\), expected \(5,\)",
    ),
    "missing": (lambda: rnn.forward({"weight_ih": RNN["weight_ih"]}, X, (H,)), "found weight_ih; needed are"),
    "torch's suffix": (
        lambda: rnn.forward({f"{name}_l0": value for name, value in RNN.items()}, X, (H,)),
        "found weight_ih_l0, weight_hh_l0; needed are weight_ih, weight_hh, allowed also bias_ih, bias_hh",
    ),
    "projection": (lambda: lstm.forward({**LSTM, "weight_hr": H}, X, (H, H)), "weight_hr; needed are"),
    "rnn activation": (
        lambda: rnn.forward(RNN, X, (H,), activation="identity"),
        "activation: found 'identity', allowed are tanh, relu, sigmoid",
    ),
    "dy": (
        lambda: rnn.backward(RNN, rnn.forward(RNN, X, (H,))[2], X),
        r"dy: shape \(2, 4, 3\), expected \(2, 4, 5\)",
    ),
    "dstate": (
        lambda: rnn.backward(RNN, rnn.forward(RNN, X, (H,))[2], np.zeros((2, 4, 5)), (H, H)),
        "dstate: found 2 arrays, expected a tuple of 1",
    ),
    "lengths too long": (
        lambda: run(no_step, X, (), [5, 1]),
        r"lengths: found \[5 1\], expected 2 integers from 0 to 4",
    ),
    "lengths negative": (lambda: run(no_step, X, (), [-1, 1]), "lengths: found"),
    "lengths count": (lambda: run(no_step, X, (), [1]), "lengths: found"),
    "lengths real": (lambda: run(no_step, X, (), [1.0, 2.0]), "lengths: found"),
    "output activation": (
        lambda: output.forward(LINEAR, np.zeros((2, 4, 5)), activation="swish"),
        "activation: found 'swish', allowed are sigmoid, tanh, relu, identity, softmax",
    ),
    "output parameters": (
        lambda: output.forward({"W": VALUE}, X),
        "found W; needed is weight, allowed also bias",
    ),
    "output h": (lambda: output.forward(LINEAR, X), r"h: shape \(2, 4, 3\), expected \(batch, time, 5\)"),
    "output dy": (
        lambda: output.backward(LINEAR, output.forward(LINEAR, np.zeros((2, 4, 5)))[1], X),
        r"dy: shape \(2, 4, 3\), expected \(2, 4, 2\)",
    ),
    "target": (lambda: mean_squared_error(X, X[:1]), r"target: shape \(1, 4, 3\), expected \(2, 4, 3\)"),
    "reduction": (
        lambda: mean_squared_error(X, X, batch_reduction="none"),
        "found 'none', allowed are mean, sum",
    ),
    "probability": (lambda: cross_entropy(X - 1, X), r"y: found -1\.0, a probability is not negative"),
    "learning rate": (lambda: gradient_descent({}, {}, 0.0), "learning_rate: found 0.0, allowed"),
    "learning rate NaN": (lambda: gradient_descent({}, {}, float("nan")), "learning_rate: found nan"),
    "gradient names": (
        lambda: gradient_descent({"a": VALUE}, {"b": VALUE}, 1.0),
        "gradients: found b, expected",
    ),
    "gradient shape": (
        lambda: gradient_descent({"a": VALUE}, {"a": VALUE[0]}, 1.0),
        r"gradients\['a'\]: shape \(2,\), expected \(2, 2\)",
    ),
    "check names": (
        lambda: check_gradients(lambda _: 0.0, {"a": VALUE}, {}),
        "gradients: found none, expected",
    ),
    "check shape": (lambda: gradient_error(VALUE, VALUE[0]), r"gradient: shape \(2, 2\), expected \(2,\)"),
}


@pytest.mark.parametrize("name", CASES)
def test_refused_with_a_message_that_helps(name: str) -> None:
    call, message = CASES[name]
    with pytest.raises(InputError, match=message):
        call()
