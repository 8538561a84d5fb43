"""The only table of numeric tolerances for comparing forms of a network, with reasons.

A tolerance is relative to the output's scale, which is how far it strays from its mean, so that it means the
same for outputs of any unit and offset; for states, to their largest absolute value.
"""

from __future__ import annotations

from edgernn.errors import InputError

# (dtype of the graph, scheme of its weights) → relative tolerance.
TOLERANCES: dict[tuple[str, str], float] = {
    # The same sums in another order: measured 1e-7 to 6e-7 for networks of a few layers and 64 steps, and
    # 1.1e-5 behind a Fourier transform and a logarithm, where a band that is nearly empty loses digits; an
    # error in a gate, a bias or a state is above 1e-3.
    ("float32", "float32"): 2e-5,
    # Weights rounded to 1/127 of their row's largest: each weight is off by up to 0.4 %, and a recurrence
    # carries that on. Measured up to 0.03 on random networks; a permuted gate is above 0.2.
    ("float32", "int8"): 5e-2,
    # Eleven bits for a weight. Measured up to 4e-4.
    ("float32", "fp16"): 2e-3,
    # Eleven bits for everything that is computed: measured 0.001 to 0.003, 0.005 for states.
    ("float16", "fp16"): 1e-2,
    # The weights of int8, and products whose other factor is rounded to 1/127 too.
    ("float32", "int8-stable"): 5e-2,
    # Fifteen steps for the weights of a block: each is off by up to 7 % of its block's largest. Measured up
    # to 0.15 on random networks, which nobody trained to bear it.
    ("float32", "int4"): 2e-1,
    # Every tensor of every step rounded to 1/255 of its range, states included: measured 0.02 to 0.04 with
    # ranges from min-max, whether a cell has 16 steps or 100, 0.06 for streams (0.2 where one goes on from
    # random states whose outputs no calibration came near); 0.16 for a state that moves by a tenth in a step,
    # which needs activation_bits=16. The scale of a weight matrix off by 2, and a zero point of the input or
    # of the weights shifted by a quarter, are above 0.2.
    ("float32", "int8-static"): 1e-1,
}

# Final states against the oracle, where more is allowed than for outputs: no head mixes units with others. As
# of all quantized files it is their root mean square that counts: up to 0.18 on the cell state of a trained
# language model of 256 units, whose characters cost .010 nats more.
STATES: dict[tuple[str, str], float] = {("float32", "int4"): 3e-1}

# One file against itself: a stream cut in chunks against the whole sequence, one thread against several.
SELF_CONSISTENCY: dict[tuple[str, str], float] = {
    ("float32", "float32"): 1e-5,
    # Weights are the same on both sides. But where a recurrent layer multiplies integers, its inputs and
    # states are rounded to 8 bits in the range of all rows (and steps, and of a thread's part) of a call:
    # measured up to 0.003 between one thread and two, and 0.008 between a step and several at once.
    ("float32", "int8"): 2e-2,
    # No quantization error is left: weights are widened, and nothing else is rounded.
    ("float32", "fp16"): 1e-5,
    # Sums in another order, in half: measured up to 0.002.
    ("float16", "fp16"): 5e-3,
    # Equal to the last bit where all products are of integers, as tests assert. Behind a convolution in
    # float32 a value may be rounded to the next step, 1/127 of its row's largest.
    ("float32", "int8-stable"): 5e-3,
    ("float32", "int4"): 1e-5,
    # Sums of integers: exact in any order.
    ("float32", "int8-static"): 1e-5,
}

# Outputs that are integers, such as labels and tags: which share of them may be others. A file may decide
# otherwise where it was close, which on random inputs it often is.
DECISIONS: dict[tuple[str, str], float] = {
    ("float32", "float32"): 0.0,
    ("float32", "fp16"): 2e-2,
    ("float16", "fp16"): 5e-2,
    # Measured 0 of 152 on a trained tagger with 17 tags; a permuted gate changes more than 0.2.
    ("float32", "int8"): 1e-1,
    ("float32", "int8-stable"): 1e-1,
    ("float32", "int8-static"): 2e-1,
    ("float32", "int4"): 3e-1,
}


def share_of_decisions(dtype: str, scheme: str) -> float:
    """The share of integer outputs that may differ."""
    return DECISIONS[dtype, scheme]


def tolerance(dtype: str, scheme: str, *, against_itself: bool = False, of_states: bool = False) -> float:
    """The tolerance of a comparison. Raises InputError for a scheme that the tables do not hold."""
    table = SELF_CONSISTENCY if against_itself else TOLERANCES | STATES if of_states else TOLERANCES
    if (dtype, scheme) not in table:
        raise InputError(
            f"no tolerance for dtype {dtype!r} and scheme {scheme!r}: there are {sorted(table)}."
        )
    return table[dtype, scheme]


# Sum of integrated gradients against the difference of the outputs that they share out, ÷ the larger of this
# difference and the sum of their absolute values. What is missing is the error of the quadrature, which more
# steps make small: measured below 0.003 with 32 steps; a baseline that is not the one the output was compared
# with is above 0.1.
COMPLETENESS = 1e-2

# One file on other machines and runtimes: sums in another order and other exponentials. Measured up to 2e-6
# between an x86 processor and WebAssembly; recurrent weights that are off by a tenth are above it.
ANOTHER_DEVICE = 1e-4


def device_tolerance(dtype: str, scheme: str) -> float:
    """The tolerance of one file's outputs on another machine; relative to the output's scale, as all here."""
    return max(ANOTHER_DEVICE, tolerance(dtype, scheme, against_itself=True))


# Weights and losses of a run of several processes against one of a single process, which sums gradients in
# another order; of weights relative to each one's largest element. Measured up to 5e-7 after three epochs;
# shares that are joined by the wrong weights are off by 3e-2.
PROCESSES = 2e-5
