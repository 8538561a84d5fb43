from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from edgernn.errors import InputError
from edgernn.source import load_source, parse_example


def test_a_class_a_function_and_a_module_object(work: Path) -> None:
    assert torch.equal(*(load_source("my_models:Net").model.gru.weight_hh_l0 for _ in range(2)))
    assert not load_source("my_models:changed").model.training
    assert type(load_source("my_models:ready").model).__name__ == "Net"


def test_the_callers_random_numbers_are_left_alone(work: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    load_source("my_models:Net")
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("my_models", "neither the folder of a training run .* nor an import path"),
        ("my_models.py:Net", "no module 'my_models.py'"),
        ("folder/my_models:Net", "nor an import path"),
        ("model.onnx", "is an ONNX file; name the torch model"),
        ("your_models:Net", "no module 'your_models'"),
        ("my_models:Nett", "has no 'Nett'. Modules in it: Net, Wide"),
        ("my_models:needs_an_argument", "without arguments raised TypeError.*Write a function without"),
        ("my_models:raises", "raised RuntimeError: no such luck"),
        ("my_models:gives_a_number", "gives int, no torch.nn.Module"),
        ("broken:Net", "importing 'broken' raised ZeroDivisionError"),
        ("needy:Net", "'needy' needs 'not_there', which is not installed"),
    ],
)
def test_a_source_that_is_none_is_refused(work: Path, source: str, said: str) -> None:
    (work / "broken.py").write_text("1 / 0")
    (work / "needy.py").write_text("import not_there")
    with pytest.raises(InputError, match=said):
        load_source(source)


def test_shapes_and_types_of_an_example() -> None:
    x, lengths, ids = parse_example("4x100x40, 4:int64, 4x7:int32:2..9")
    assert (x.shape, x.dtype) == ((4, 100, 40), torch.float32)
    assert (lengths.shape, int(lengths.min()), int(lengths.max())) == ((4,), 1, 100)
    assert (ids.dtype, int(ids.min()), int(ids.max())) == (torch.int32, 2, 9)
    assert torch.equal(parse_example("2x3")[0], parse_example("2x3")[0])


@pytest.mark.parametrize(
    ("example", "said"),
    [
        ("", "'' is no shape. Write sizes joined by x"),
        ("1xx3", "'1xx3' is no shape"),
        ("1x0x3", "'1x0x3' is no shape"),
        ("1x3,", "'' is no shape"),
        ("1x3:float23", "unknown type 'float23'.*float32, float64"),
        ("1x3:int64", "say from where to where, e.g. 1x3:int64:0..255"),
        ("1x3:int64:9..2", "is empty"),
    ],
)
def test_an_example_that_is_none_is_refused(example: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parse_example(example)


def test_weights_from_both_kinds_of_file(work: Path, tmp_path: Path) -> None:
    changed = load_source("my_models:changed").model.state_dict()
    save_file(changed, tmp_path / "a.safetensors")
    torch.save(changed, tmp_path / "a.pt")
    for name in ("a.safetensors", "a.pt"):
        found = load_source("my_models:Net", tmp_path / name).model.state_dict()
        assert all(torch.equal(found[key], changed[key]) for key in changed)
    plain = load_source("my_models:Net").model.state_dict()
    assert not all(torch.equal(plain[key], changed[key]) for key in changed)


def test_weights_that_do_not_fit_are_refused(work: Path, tmp_path: Path) -> None:
    weights = load_source("my_models:Net").model.state_dict()
    weights["head.bias"] = torch.zeros(7)
    weights["tail.bias"] = weights.pop("gru.bias_hh_l0")
    save_file(weights, tmp_path / "a.safetensors")
    with pytest.raises(InputError) as caught:
        load_source("my_models:Net", tmp_path / "a.safetensors")
    for part in ("gru.bias_hh_l0 is missing", "tail.bias is not in", "head.bias is (7,), the model has (2,)"):
        assert part in str(caught.value)


class Payload:
    """What a hostile pickle does: it runs a function when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_is_not_loaded(work: Path, tmp_path: Path) -> None:
    touched = tmp_path / "touched"
    torch.save({"head.bias": Payload(touched)}, tmp_path / "a.pt")
    with pytest.raises(InputError, match=r"unpickles nothing.*model\.state_dict"):
        load_source("my_models:Net", tmp_path / "a.pt")
    assert not touched.exists()
    torch.load(tmp_path / "a.pt", weights_only=False)
    assert touched.exists(), "the payload of this test does nothing"


@pytest.mark.parametrize(
    ("write", "name", "said"),
    [
        (lambda path: torch.save({"epoch": 3, "model": {}}, path), "a.pt", "it holds the keys epoch, model"),
        (lambda path: torch.save([torch.ones(2)], path), "a.pth", "it holds no dict"),
        (lambda path: path.write_bytes(b"nothing"), "a.safetensors", "no safetensors file, or damaged"),
        (lambda path: path.write_bytes(b"nothing"), "a.bin", "must end in .safetensors, .pt or .pth"),
        (lambda path: None, "a.pt", "weights: no file at"),
    ],
)
def test_files_without_weights_are_refused(work: Path, tmp_path: Path, write, name: str, said: str) -> None:
    write(tmp_path / name)
    with pytest.raises(InputError, match=said):
        load_source("my_models:Net", tmp_path / name)


def test_a_run_folder_knows_its_task(run_folder: Path) -> None:
    found = load_source(run_folder)
    assert found.metadata["task"] == "forecast"
    assert found.metadata["unit"] == "°C"
    assert "rmse/persistence" in found.metadata["scores"]
    assert [tuple(tensor.shape)[1:] for tensor in found.example_inputs] == [(12, 1)]
    assert load_source(run_folder, example="1x5x1").example_inputs[0].shape == (1, 5, 1)


def test_arguments_of_the_other_kind_of_source_are_refused(run_folder: Path, work: Path) -> None:
    with pytest.raises(InputError, match="has its own"):
        load_source(run_folder, "a.safetensors")
    with pytest.raises(InputError, match="recipe: it is for a run folder"):
        load_source("my_models:Net", recipe="forecast")
