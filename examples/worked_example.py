"""A recurrent network by hand: forward, loss, every gradient, one step of gradient descent.

    python examples/worked_example.py

The numbers are those of section 4.3 of the tutorial 从零开始大模型开发与微调：循环神经网络理论讲解
("Recurrent neural networks, the theory"): two inputs, two hidden units, two outputs, sigmoid everywhere, half
the squared error summed over time. Its figures (h_1 = 0.8, y_1 = 0.55, ...) do not follow from its own
equations. This script computes what does, proves every gradient with finite differences, and shows where the
figures part.

How the vectors are chosen. The tutorial has x = 1..5 and targets 2..6, but its weights take two inputs, and
its step t reads the pair (x_t, x_{t+1}): (1, 2), then (2, 3). Five numbers make four pairs, so there are four
steps where the tutorial's sum has five. The targets are paired the same way: (2, 3), (3, 4), (4, 5), (5, 6).
Each is the next step's input, and its first number is already part of this step's.

What it cannot do. A sigmoid gives numbers between 0 and 1, and the targets are 2 to 6, so the loss cannot go
to zero: it stays above ½ Σ (1 − target)² whatever the weights are. To forecast such numbers, scale them into
(0, 1) or use a linear output.

What the tutorial's pseudo-code of the backward pass does. It leaves out the recurrent term: h_t also acts on
h_{t+1}, so W_hᵀ ∂L/∂a_{t+1} belongs to its gradient (a is the argument of σ), and the loop has to run from
the last step to the first. It also subtracts dh_t itself from the weights where the outer product of ∂L/∂a_t
with h_{t−1} or x_t is meant, multiplies dx_t by the derivative of an activation that x_t never went through,
and never computes db and db'. Below, the gradient check passes for the full backward pass and fails without
the recurrent term.
"""

from __future__ import annotations

import sys

import numpy as np

from edgernn.reference import Gradients, output, rnn
from edgernn.reference.activations import sigmoid
from edgernn.reference.arrays import Array, State
from edgernn.reference.gradient_check import check_gradients
from edgernn.reference.losses import mean_squared_error
from edgernn.reference.optimizer import gradient_descent
from edgernn.reference.sequence import Cache, backpropagate

PARAMETERS: dict[str, Array] = {
    "W_x": np.array([[0.5, 0.6], [0.7, 0.8]]),
    "W_h": np.array([[0.1, 0.2], [0.3, 0.4]]),
    "b": np.array([0.1, 0.2]),
    "W_y": np.array([[0.1, 0.2], [0.3, 0.4]]),
    "b'": np.array([0.1, 0.2]),
}
# One sequence: a batch of 1.
INPUTS: dict[str, Array] = {
    "h_0": np.array([[0.1, 0.2]]),
    "x": np.array([[[1.0, 2.0], [2.0, 3.0], [3.0, 4.0], [4.0, 5.0]]]),
}
TARGET = INPUTS["x"] + 1.0
LEARNING_RATE = 0.1
# Finite differences of a loss near 50 are good to about 1e-9; a forgotten term is wrong by far more.
LARGEST_ERROR = 1e-7

# Quantity, the tutorial's sum, the figure it prints, the vector it multiplies by W_h or W_y, the pair x_t.
TUTORIAL = [
    ("h_1", "0.2 + 1.2 + 0.1", 1.5, 0.8, (0.1, 0.2), (1.0, 2.0)),
    ("y_1", "0.15 + 0.32 + 0.1", 0.57, 0.55, (0.1, 0.8), None),
    ("h_2", "0.56 + 1.98 + 0.1", 2.64, 0.84, (0.8, 0.55), (2.0, 3.0)),
    ("y_2", "0.18 + 0.336 + 0.1", 0.616, 0.58, (0.8, 0.84), None),
]


def forward(values: dict[str, Array]) -> tuple[Array, Cache[rnn.Record], Array, output.Cache]:
    """h (1, time, 2) and y (1, time, 2), each with what its backward pass needs."""
    h, _, hidden_cache = rnn.forward(_hidden(values), values["x"], (values["h_0"],), activation="sigmoid")
    y, output_cache = output.forward(_output(values), h, activation="sigmoid")
    return h, hidden_cache, y, output_cache


def loss(values: dict[str, Array]) -> float:
    """L = ½ Σ_t (y_t − target_t)²."""
    return mean_squared_error(forward(values)[2], TARGET)[0]


def gradients(values: dict[str, Array], *, recurrent_term: bool = True) -> dict[str, Array]:
    """∂L/∂ every parameter and input; without the recurrent term as the tutorial's pseudo-code has it."""
    _, hidden_cache, y, output_cache = forward(values)
    _, dy = mean_squared_error(y, TARGET)
    from_output = output.backward(_output(values), output_cache, dy)

    def forgetful(kept: rnn.Record, dh: Array, dstate: State) -> Gradients:
        """One step back that ignores what the next step found for the state."""
        return rnn.step_backward(_hidden(values), kept, dh, (np.zeros_like(dstate[0]),))

    if recurrent_term:
        from_hidden = rnn.backward(_hidden(values), hidden_cache, from_output.x)
    else:
        from_hidden = backpropagate(forgetful, hidden_cache, from_output.x)
    return {
        "W_x": from_hidden.parameters["weight_ih"],
        "W_h": from_hidden.parameters["weight_hh"],
        "b": from_hidden.parameters["bias_ih"],
        "W_y": from_output.parameters["weight"],
        "b'": from_output.parameters["bias"],
        "h_0": from_hidden.state[0],
        "x": from_hidden.x,
    }


def updated(values: dict[str, Array]) -> dict[str, Array]:
    """The values after one step of gradient descent on the parameters."""
    found = gradients(values)
    parameters = {name: values[name] for name in PARAMETERS}
    return values | gradient_descent(parameters, {name: found[name] for name in PARAMETERS}, LEARNING_RATE)


def main() -> int:
    """Print the whole example; 0 where the gradient check came out as it should."""
    values = PARAMETERS | INPUTS
    print_forward(values)
    print_tutorial(values)
    passed = print_gradients(values)
    print_update(values)
    return 0 if passed else 1


def print_forward(values: dict[str, Array]) -> None:
    h, _, y, _ = forward(values)
    print("Forward: h_t = σ(W_h h_{t-1} + W_x x_t + b),  y_t = σ(W_y h_t + b'),  h_0 = (0.1, 0.2)\n")
    print(f"  {'t':<3}{'x_t':<10}{'target':<10}{'h_t':<24}y_t")
    for t in range(h.shape[1]):
        given = f"{_vector(values['x'][0, t], 'g'):<10}{_vector(TARGET[0, t], 'g'):<10}"
        print(f"  {t + 1:<3}{given}{_vector(h[0, t]):<24}{_vector(y[0, t])}")
    print(f"\n  loss L = ½ Σ (y_t - target_t)² = {loss(values):.6f}")
    floor = 0.5 * float(np.sum((TARGET - 1.0) ** 2))
    print(f"  It stays above {floor:g}: a sigmoid is below 1 and the targets are above it.")


def print_tutorial(values: dict[str, Array]) -> None:
    h, _, y, _ = forward(values)
    right = {"h_1": h[0, 0], "y_1": y[0, 0], "h_2": h[0, 1], "y_2": y[0, 1]}
    print("\nWhere the tutorial's figures part from this\n")
    print(f"  {'':<6}{'tutorial':<36}{'the σ of that sum':<20}{'its product as written':<26}right")
    for name, terms, total, printed, vector, x in TUTORIAL:
        claim = f"σ({terms}) = {printed}"
        actual = f"{sigmoid(np.array(total)):.4f}"
        print(f"  {name:<6}{claim:<36}{actual:<20}{_vector(as_written(vector, x)):<26}{_vector(right[name])}")
    print("""
  1. It writes "W_h [0.1 0.2; 0.3 0.4]": the matrix stands twice, as its name and as its numbers, so the
     product as written is W_h W_h h (and W_y W_y h). The equation has it once.
  2. Each term is a vector of two numbers, and it writes one number in its place. In h_1, W_h h_0 = (0.05,
     0.11) became 0.2, W_x x_1 = (1.7, 2.3) became 1.2 (0.6 * 2, one product of four), and b = (0.1, 0.2)
     became 0.1. In y_1, 0.32 = 0.4 * 0.8 belongs to the second row of W_y; that row's other product is 0.3 *
     0.1 = 0.03, not 0.15, and its bias 0.2, not 0.1. So h_1 ends as a single 0.8 where two hidden units have
     two.
  3. As h_1 is then too short for W_y, another number is put before it: y_1 is computed from (0.1, 0.8), the
     first number of h_0 and h_1; y_2 from (0.8, 0.84), which is h_1 and h_2. The equation has h_t alone.
  4. Step 2 starts from (0.8, 0.55), which is h_1 and the output y_1. The equation has h_1 alone there: an
     output is not part of the state.
  5. Three of the four figures are not even the σ of the sum beside them: see the second column. Only 0.8 is,
     rounded. (0.55 is the first entry of the product as written, rounded; no other figure is.)""")


def as_written(vector: tuple[float, float], x: tuple[float, float] | None) -> Array:
    """The tutorial's printed product, the matrix twice, in vector arithmetic; an output where x is None."""
    if x is None:
        return sigmoid(PARAMETERS["W_y"] @ PARAMETERS["W_y"] @ np.array(vector) + PARAMETERS["b'"])
    recurrent = PARAMETERS["W_h"] @ PARAMETERS["W_h"] @ np.array(vector)
    return sigmoid(recurrent + PARAMETERS["W_x"] @ np.array(x) + PARAMETERS["b"])


def print_gradients(values: dict[str, Array]) -> bool:
    full, forgetful = gradients(values), gradients(values, recurrent_term=False)
    print("\nBackward: the gradient of L, by back-propagation through time\n")
    for name, gradient in full.items():
        print(f"  dL/d{name:<5}{_rows(gradient)}")
    full_errors = check_gradients(loss, values, full)
    forgetful_errors = check_gradients(loss, values, forgetful)
    print("\nGradient check: the largest difference from finite differences\n")
    print(f"  {'':<6}{'full':<14}without the recurrent term")
    for name in full:
        verdict = "wrong" if forgetful_errors[name] > LARGEST_ERROR else "right"
        print(f"  {name:<6}{full_errors[name]:<14.1e}{forgetful_errors[name]:.1e}  {verdict}")
    passed, caught = max(full_errors.values()) < LARGEST_ERROR, max(forgetful_errors.values()) > LARGEST_ERROR
    print(f"\n  Allowed is {LARGEST_ERROR:.0e}: full {'passes' if passed else 'FAILS'}, ", end="")
    print(f"without the recurrent term {'fails, as it should' if caught else 'PASSES'}.")
    print("  W_y and b' act only on the output of their own step, so they are right either way.")
    return passed and caught


def print_update(values: dict[str, Array]) -> None:
    after = updated(values)
    print(f"\nUpdate: W := W - α dL/dW with α = {LEARNING_RATE}\n")
    for name in PARAMETERS:
        print(f"  {name:<6}{_rows(after[name])}")
    print(f"\n  loss before {loss(values):.6f}, after {loss(after):.6f}")


def _hidden(values: dict[str, Array]) -> dict[str, Array]:
    """The recurrent layer's parameters; its one bias b stands for the sum of PyTorch's two."""
    return {"weight_ih": values["W_x"], "weight_hh": values["W_h"], "bias_ih": values["b"]}


def _output(values: dict[str, Array]) -> dict[str, Array]:
    return {"weight": values["W_y"], "bias": values["b'"]}


def _vector(values: Array, form: str = ".6f") -> str:
    return "(" + ", ".join(format(value, form) for value in values) + ")"


def _rows(values: Array) -> str:
    return "  ".join(_vector(row) for row in values.reshape(-1, values.shape[-1]))


if __name__ == "__main__":
    sys.exit(main())
