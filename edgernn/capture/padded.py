"""Packed sequences while a module is traced: the padded tensor and its lengths, kept together.

torch packs a padded batch into one row per live step, so that the sizes of everything after it depend on the
lengths' values and no graph can say them. While a module is traced, `pack_padded_sequence` instead keeps the
padded tensor beside its lengths, recurrent layers take and give such a pair, and `pad_packed_sequence` cuts
it after the longest row and fills the rest of each row, which is what torch's pair of functions comes to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FunctionType
from typing import Any, NoReturn, cast

import torch
from torch import Tensor
from torch.fx.experimental.symbolic_shapes import statically_known_true
from torch.nn.utils import rnn

from edgernn.capture.trim import trim
from edgernn.errors import ExportError

_ON_THE_PADDED = "Work on the padded tensor before pack_padded_sequence or after pad_packed_sequence."


class PaddedSequence(rnn.PackedSequence):
    """What `pack_padded_sequence` gives while a module is traced.

    Args:
        padded: the padded tensor (T, B, F).
        lengths: (B,) int64: each row's number of steps.
        is_zero_beyond: whether it is zero beyond each row's end, as a recurrent layer leaves it.
    """

    padded: Tensor
    lengths: Tensor
    is_zero_beyond: bool

    def __new__(cls, padded: Tensor, lengths: Tensor, is_zero_beyond: bool) -> PaddedSequence:  # noqa: D102
        sequence = tuple.__new__(cls, (padded, lengths, None, None))
        sequence.padded, sequence.lengths, sequence.is_zero_beyond = padded, lengths, is_zero_beyond
        return sequence

    def to(self, *args: Any, **kwargs: Any) -> PaddedSequence:
        """As a tensor's."""
        return PaddedSequence(self.padded.to(*args, **kwargs), self.lengths, self.is_zero_beyond)

    def _refuse(self, name: str) -> NoReturn:
        raise ExportError(
            f"PackedSequence.{name}: the forward reads the rows of a packed sequence, whose number no ONNX "
            f"graph can say. {_ON_THE_PADDED}"
        )

    data = property(lambda self: self._refuse("data"))
    batch_sizes = property(lambda self: self._refuse("batch_sizes"))
    sorted_indices = property(lambda self: self._refuse("sorted_indices"))
    unsorted_indices = property(lambda self: self._refuse("unsorted_indices"))


def keep_padded(input: Tensor, lengths: Any, batch_first: bool, enforce_sorted: bool) -> PaddedSequence:
    """`pack_padded_sequence`. Rows need not be sorted, whatever `enforce_sorted` says."""
    if not isinstance(lengths, Tensor):
        raise ExportError(
            f"pack_padded_sequence: lengths is a {type(lengths).__name__}, which tracing would turn into "
            "constants. Make the lengths an input of the module, a tensor of integers, and pass it as it is: "
            "without tolist(), item() or numpy()."
        )
    if lengths.dim() != 1:
        raise ExportError(
            f"pack_padded_sequence: lengths must have one dimension, the batch; it has {lengths.dim()}."
        )
    return PaddedSequence(
        input.transpose(0, 1) if batch_first else input, lengths.to(torch.int64), is_zero_beyond=False
    )


def give_padded(
    sequence: Any, batch_first: bool, padding_value: float, total_length: int | None
) -> tuple[Tensor, Tensor]:
    """`pad_packed_sequence`: the padded tensor, as long as its longest row or `total_length`, and lengths."""
    if not isinstance(sequence, PaddedSequence):
        raise ExportError(
            f"pad_packed_sequence: found a {type(sequence).__name__} that pack_padded_sequence did not "
            f"give. {_ON_THE_PADDED}"
        )
    x, lengths = sequence.padded, sequence.lengths
    if not sequence.is_zero_beyond or padding_value != 0.0:
        steps = torch.arange(x.shape[0], device=x.device)
        alive = (steps.unsqueeze(1) < lengths).reshape(*x.shape[:2], *(1 for _ in x.shape[2:]))
        x = torch.where(alive, x, padding_value)
    if total_length is None:
        x = trim(x, lengths)
    elif not statically_known_true(x.shape[0] == total_length):
        # As long as asked for, whether x is longer or shorter.
        filling = x.new_full((1, *x.shape[1:]), padding_value).expand(total_length, *x.shape[1:])
        x = torch.cat([x, filling]).narrow(0, 0, total_length)
    return (x.transpose(0, 1) if batch_first else x), lengths


def _refuse_lists(name: str, instead: str) -> NoReturn:
    raise ExportError(
        f"{name}: lists of sequences cannot be inputs or outputs of an ONNX graph. Take a padded tensor and "
        f"its lengths as inputs, and use {instead}."
    )


# The code that torch's functions run on while a module is traced. It is evaluated among the names of
# torch.nn.utils.rnn, hence the imports; the signatures are torch's.
def _pack_padded_sequence(
    input: Any, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> Any:
    from edgernn.capture import padded

    if padded.is_kept():
        return padded.keep_padded(input, lengths, batch_first, enforce_sorted)
    return padded.ORIGINALS["pack_padded_sequence"](input, lengths, batch_first, enforce_sorted)


def _pad_packed_sequence(
    sequence: Any, batch_first: bool = False, padding_value: float = 0.0, total_length: Any = None
) -> Any:
    from edgernn.capture import padded

    if padded.is_kept():
        return padded.give_padded(sequence, batch_first, padding_value, total_length)
    return padded.ORIGINALS["pad_packed_sequence"](sequence, batch_first, padding_value, total_length)


def _pack_sequence(sequences: Any, enforce_sorted: bool = True) -> Any:
    from edgernn.capture import padded

    if padded.is_kept():
        padded._refuse_lists("pack_sequence", "pack_padded_sequence")
    return padded.ORIGINALS["pack_sequence"](sequences, enforce_sorted)


def _unpack_sequence(packed_sequences: Any) -> Any:
    from edgernn.capture import padded

    if padded.is_kept():
        padded._refuse_lists("unpack_sequence", "pad_packed_sequence")
    return padded.ORIGINALS["unpack_sequence"](packed_sequences)


_REPLACED: dict[FunctionType, FunctionType] = {
    cast(FunctionType, original): cast(FunctionType, replacement)
    for original, replacement in (
        (rnn.pack_padded_sequence, _pack_padded_sequence),
        (rnn.pad_packed_sequence, _pad_packed_sequence),
        (rnn.pack_sequence, _pack_sequence),
        (rnn.unpack_sequence, _unpack_sequence),
    )
}
ORIGINALS: dict[str, Callable[..., Any]] = {
    function.__name__: FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__
    )
    for function in _REPLACED
}
_kept: ContextVar[bool] = ContextVar("edgernn_packed_sequences_kept_padded", default=False)
_lock = threading.Lock()
_blocks = 0


def is_kept() -> bool:
    """Whether the caller runs inside `padded_sequences_kept`; other threads keep torch's own functions."""
    return _kept.get()


@contextmanager
def padded_sequences_kept() -> Iterator[None]:
    """Within the block torch's functions for packed sequences keep the padded tensor.

    A user's module may hold such a function under any name (`from torch.nn.utils.rnn import …`), so the
    functions themselves are changed rather than every name that is bound to them.
    """
    global _blocks
    with _lock:
        _blocks += 1
        if _blocks == 1:
            for function, replacement in _REPLACED.items():
                function.__code__ = replacement.__code__
    token = _kept.set(True)
    try:
        yield
    finally:
        _kept.reset(token)
        with _lock:
            _blocks -= 1
            if not _blocks:
                for function in _REPLACED:
                    function.__code__ = cast(FunctionType, ORIGINALS[function.__name__]).__code__
