"""The equations of recurrent networks in plain numpy float64: to learn from, and to measure against.

Nothing here is fast and nothing hides: every forward pass and every gradient is written out as in the papers,
vectorised over the batch alone. The rest of the project is compared with it. It imports only numpy.

Read in this order:
    activations.py     sigmoid, tanh, relu, softmax and their derivatives
    affine.py          W x + b, and its gradients
    rnn.py             one step of the simplest recurrent network; forward and backward over time
    sequence.py        the loop over time that all cells share, forward and backward
    lstm.py, gru.py    the gated cells
    peephole_lstm.py, coupled_lstm.py, projected_lstm.py, layer_norm.py, ind_rnn.py, fast_grnn.py, minimal.py,
    sru.py, text_window.py  one step of each further cell
    output.py          the output layer y = σ(W h + b)
    losses.py          squared error, cross-entropy
    mixture_density.py the likelihood of points by a mixture of Gaussians
    optimizer.py       gradient descent
    gradient_check.py  finite differences: how to know that a gradient is right
`arrays.py` and `parameters.py` hold the types and the checks of the arguments.

Conventions: arrays are (batch, time, feature), a step sees (batch, feature). A weight is (output, input), so
a row of x is multiplied as `x @ weight.T`. `dname` is ∂L/∂name, the gradient of the loss L, and has the shape
of `name`. Parameters have PyTorch's names and gate order.
"""

from __future__ import annotations

from edgernn.reference import gru, lstm, rnn
from edgernn.reference.arrays import Gradients
from edgernn.reference.sequence import run

__all__ = ["Gradients", "gru", "lstm", "rnn", "run"]
