"""pack_padded_sequence and pad_packed_sequence in the user's forward, lengths as an input of the graph."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.utils.rnn as rnn_utils
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence
from torch.nn.utils.rnn import pack_sequence as pack_list

import edgernn
from edgernn.capture import padded_sequences_kept
from edgernn.errors import ExportError, InputError

from .networks import assert_same_as_torch, export, lengths_of

FEATURES, HIDDEN = 3, 4


class Packed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(FEATURES, HIDDEN, batch_first=True, bidirectional=True)
        self.gru = nn.GRU(2 * HIDDEN, HIDDEN, 2)
        self.head = nn.Linear(HIDDEN, 2)

    def pack(self, x: Tensor, lengths: Tensor, **options: Any) -> PackedSequence:
        return pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False, **options)


class Several(Packed):
    """One packed sequence through several recurrent modules, states and lengths given back."""

    def forward(self, x: Tensor, lengths: Tensor) -> Any:
        packed, (h, c) = self.lstm(self.pack(x, lengths))
        packed, last = self.gru(packed)
        y, ends = pad_packed_sequence(packed, batch_first=True)
        return self.head(y), h, c, last, ends


class TimeFirst(Packed):
    """Packed batch-first, padded time-first."""

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return pad_packed_sequence(self.gru(self.lstm(self.pack(x, lengths))[0])[0], padding_value=-2.5)[0]


class TotalLength(Packed):
    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed, _ = self.lstm(self.pack(x, lengths))
        return pad_packed_sequence(packed, batch_first=True, total_length=x.size(1))[0]


class FixedLength(Packed):
    """A total length of its own, longer than the input."""

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        packed, _ = self.lstm(self.pack(x, lengths))
        return pad_packed_sequence(packed, True, -1.0, 20)[0]


class UserSorts(Packed):
    """What was written before enforce_sorted existed."""

    def forward(self, x: Tensor, lengths: Tensor) -> Any:
        lengths, order = torch.sort(lengths, descending=True)
        back = torch.argsort(order)
        packed, (h, _) = self.lstm(rnn_utils.pack_padded_sequence(x[order], lengths.cpu(), batch_first=True))
        y, _ = rnn_utils.pad_packed_sequence(packed, batch_first=True)
        return y[back], h[:, back]


class Attention(Packed):
    """Masks and gathers made from the lengths, on an output as long as the longest row."""

    def forward(self, x: Tensor, lengths: Tensor) -> Any:
        packed, _ = self.lstm(self.pack(x, lengths))
        y, ends = pad_packed_sequence(packed, batch_first=True)
        mask = torch.arange(y.size(1)).unsqueeze(0) < ends.unsqueeze(1)
        scores = y.sum(-1).masked_fill(~mask, float("-inf")).softmax(dim=1)
        pooled = (scores.unsqueeze(-1) * y).sum(dim=1)
        last = y[torch.arange(y.size(0)), ends - 1]
        mean = (y * mask.unsqueeze(-1)).sum(dim=1) / ends.unsqueeze(1)
        return pooled, last, mean, y.amax(dim=1)


class NothingBetween(Packed):
    """Packed and padded again: what stood beyond the ends is gone."""

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return pad_packed_sequence(self.pack(x, lengths), batch_first=True)[0]


MODULES = [Several, TimeFirst, TotalLength, FixedLength, UserSorts, Attention, NothingBetween]


@pytest.mark.parametrize("kind", MODULES)
@pytest.mark.parametrize("form", ["op", pytest.param("scan", marks=pytest.mark.slow)])
def test_a_file_gives_what_torch_gives(kind: type[Packed], form: str, tmp_path: Path) -> None:
    module, path = kind(), tmp_path / "model.onnx"
    export(module, path, torch.randn(2, 6, FEATURES), torch.tensor([4, 6]), recurrence=form)
    calls = [
        (torch.randn(batch, steps, FEATURES), lengths_of(batch, steps, longest=longest))
        for batch, steps, longest in ((1, 1, True), (5, 9, True), (4, 12, False))
    ]
    assert_same_as_torch(path, module, *calls)


def test_lengths_of_another_integer_type(tmp_path: Path) -> None:
    module, path = TotalLength(), tmp_path / "model.onnx"
    export(module, path, torch.randn(2, 6, FEATURES), torch.tensor([4, 6], dtype=torch.int32))
    assert_same_as_torch(path, module, (torch.randn(2, 7, FEATURES), torch.tensor([2, 5], dtype=torch.int32)))


def test_rows_that_must_be_sorted_are_checked_with_sorted_rows(tmp_path: Path) -> None:
    class Enforced(Packed):
        def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
            return self.lstm(pack_padded_sequence(x, lengths, batch_first=True))[1][0]

    module, path = Enforced(), tmp_path / "model.onnx"
    manifest = export(module, path, torch.randn(3, 6, FEATURES), torch.tensor([6, 4, 4]), check=True)
    assert manifest.parity["passed"]


def test_the_checks_draw_valid_lengths(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    manifest = export(Several(), path, torch.randn(1, 6, FEATURES), torch.tensor([6]), check=True)
    assert manifest.parity["passed"]
    assert manifest.outputs[0].dims == ("batch", "longest", 2)


class ReadsData(Packed):
    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return self.head(self.gru(self.lstm(self.pack(x, lengths))[0])[0].data)


class Listed(Packed):
    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return self.lstm(pack_padded_sequence(x, lengths.tolist(), True, enforce_sorted=False))[1][0]


class Returned(Packed):
    def forward(self, x: Tensor, lengths: Tensor) -> Any:
        return self.lstm(self.pack(x, lengths))


class OfAList(Packed):
    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return self.lstm(pack_list(list(x), enforce_sorted=False))[1][0]


class Unpacked(Packed):
    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        return rnn_utils.unpack_sequence(self.lstm(self.pack(x, lengths))[0])[0]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (ReadsData, r"PackedSequence\.data: .* before pack_padded_sequence or after"),
        (Listed, "lengths is a list.*Make the lengths an input"),
        (Returned, r"returns a PackedSequence; return pad_packed_sequence"),
        (OfAList, "pack_sequence: .* use pack_padded_sequence"),
        (Unpacked, "unpack_sequence: .* use pad_packed_sequence"),
    ],
)
def test_what_no_graph_can_say_is_refused(kind: type[Packed], message: str, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=message):
        export(kind(), tmp_path / "model.onnx", torch.randn(2, 6, FEATURES), torch.tensor([4, 6]))


def test_a_packed_example_is_refused(tmp_path: Path) -> None:
    packed = pack_padded_sequence(torch.randn(2, 6, FEATURES), torch.tensor([6, 4]), batch_first=True)
    with pytest.raises(InputError, match="PackedSequence cannot be an input"):
        edgernn.export(nn.LSTM(FEATURES, HIDDEN), tmp_path / "model.onnx", packed)


def test_torch_packs_as_ever_outside_and_in_other_threads() -> None:
    x, lengths = torch.randn(2, 6, FEATURES), torch.tensor([6, 4])
    rows: list[int] = []

    def pack() -> None:
        rows.append(pack_padded_sequence(x, lengths, batch_first=True).data.shape[0])

    with padded_sequences_kept():
        assert pack_padded_sequence(x, lengths, True).padded.shape == (6, 2, FEATURES)
        thread = threading.Thread(target=pack)
        thread.start()
        thread.join()
    pack()
    assert rows == [10, 10]
    assert pack_padded_sequence.__code__.co_filename.startswith(torch.__path__[0])
