from __future__ import annotations

import math
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch

from edgernn.errors import InputError, ModelError
from edgernn.training.checkpoint_io import SafeCheckpointIO

TREE = {
    "none": None,
    "flags": [True, False],
    "int": -3,
    "huge": 2**70,
    "float": 0.1 + 0.2,
    "inf": [math.inf, -math.inf],
    "text": "σ \0 \ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    "tuple": (1, ("a", [2.0]), ()),
    "by number": {0: {"step": 1}, (1, 2): "pair", None: "nothing", True: 1.5},
    "$tensor": "a key that looks like a mark",
    "empty": {},
    "ordered": OrderedDict(b=1, a=2),
}


def test_a_tree_comes_back_as_it_was(tmp_path: Path) -> None:
    SafeCheckpointIO().save_checkpoint(TREE, tmp_path / "c.safetensors")
    loaded = SafeCheckpointIO().load_checkpoint(tmp_path / "c.safetensors")
    assert loaded == TREE
    assert list(loaded["ordered"]) == ["b", "a"]
    assert type(loaded["tuple"]) is tuple
    assert type(loaded["flags"][0]) is bool


def test_nan_comes_back_as_nan(tmp_path: Path) -> None:
    SafeCheckpointIO().save_checkpoint({"a": math.nan}, tmp_path / "c")
    assert math.isnan(SafeCheckpointIO().load_checkpoint(tmp_path / "c")["a"])


def test_tensors_come_back_bit_for_bit(tmp_path: Path) -> None:
    shared = torch.randn(4, 3)
    tensors = {
        "float": shared,
        "the same memory": shared,
        "not contiguous": shared.t(),
        "scalar": torch.tensor(math.pi, dtype=torch.float64),
        "empty": torch.empty(0, 2),
        "bool": torch.tensor([True, False]),
        "bytes": torch.arange(5, dtype=torch.uint8),
        "half": torch.randn(3).to(torch.bfloat16),
        "parameter": torch.nn.Parameter(torch.randn(2)),
    }
    SafeCheckpointIO().save_checkpoint({"state": {0: tensors}}, tmp_path / "c")
    loaded = SafeCheckpointIO().load_checkpoint(tmp_path / "c")["state"][0]
    assert list(loaded) == list(tensors)
    for name, tensor in tensors.items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor.detach())


@pytest.mark.parametrize("value", [object(), {1, 2}, np.float64(1.0), torch.nn.Linear(1, 1), Path("x"), b"x"])
def test_other_types_are_refused_by_their_place(tmp_path: Path, value: object) -> None:
    with pytest.raises(InputError, match=rf"checkpoint\.'a'\.1: .*{type(value).__name__}"):
        SafeCheckpointIO().save_checkpoint({"a": [1, value]}, tmp_path / "c")
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "c"
    SafeCheckpointIO().save_checkpoint({"a": torch.ones(100)}, file)
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(ModelError, match="damaged"):
        SafeCheckpointIO().load_checkpoint(file)


def test_a_pickle_is_not_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (open, (str(tmp_path / "exploded"), "w"))  # type: ignore[return-value]

    for name, write in (("pickle", pickle.dump), ("torch", torch.save)):
        with (tmp_path / name).open("wb") as file:
            write({"a": Bomb()}, file)
        with pytest.raises(ModelError, match="no checkpoint of edgernn"):
            SafeCheckpointIO().load_checkpoint(tmp_path / name)
    assert not (tmp_path / "exploded").exists()


def test_removing_twice_is_harmless(tmp_path: Path) -> None:
    SafeCheckpointIO().save_checkpoint({}, tmp_path / "c")
    SafeCheckpointIO().remove_checkpoint(tmp_path / "c")
    SafeCheckpointIO().remove_checkpoint(tmp_path / "c")
    assert not (tmp_path / "c").exists()
