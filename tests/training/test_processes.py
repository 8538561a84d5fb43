"""Several processes that train together come to what one does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from edgernn.errors import InputError
from edgernn.training import find_recipe, shipped_recipes, train
from edgernn.training.batches import Share, batches
from edgernn.training.fit import _check_normalisation
from edgernn.training.module import RecipeModule
from edgernn.training.processes import Processes, join
from edgernn.verify.tolerances import PROCESSES

TEXTS = shipped_recipes().get("text-classify", Path()) / "tiny.tsv"
# Class weights and lengths that differ, and a last batch of one sample, of which the second process has
# none. SGD: attention's last bias has no gradient but rounding errors, and Adam makes whole steps of these.
OPTIONS = {
    "max_epochs": 3, "batch_size": 7, "validation_size": 0.2, "test_size": 0.22, "class_weights": "balanced",
    "dropout": 0.0, "symbol_dropout": 0.0, "hidden_size": 8, "embedding_size": 8, "length_buckets": True,
    "schedule": "constant", "optimizer": "sgd", "learning_rate": 0.1,
}  # fmt: skip

SCRIPT = f"""
import json, sys
from pathlib import Path
import torch
from edgernn.errors import InputError
from edgernn.training import train
from edgernn.training.classification import ClassifierRecipe

folder, options = Path(sys.argv[1]), json.loads(sys.argv[2])
train_texts = lambda **more: train("text-classify", data={str(TEXTS)!r}, device="cpu", **more)
said = []
first = train_texts(options=options, out=folder / "two", devices=2, nodes=1, say=said.append)
train_texts(options=options, out=folder / "resumed", max_epochs=1)
train("text-classify", out=folder / "resumed", max_epochs=3, resume=True, device="cpu")
train_texts(options={{**options, "dropout": 0.3}}, out=folder / "dropout")
train_texts(options={{**options, "dropout": 0.3}}, out=folder / "dropout again")
ClassifierRecipe.loss_weight = lambda self, model, target: torch.tensor(1.0)
train_texts(options=options, out=folder / "wrong weight")
idle = lambda self, model, prepared: model.register_module("idle", torch.nn.Linear(1, 1))
ClassifierRecipe.initialise = idle
plain = lambda self, model, output, target: torch.nn.functional.cross_entropy(output, target)
ClassifierRecipe.loss = plain
try:
    train_texts(options=options, out=folder / "idle")
except InputError as error:
    refused = str(error)
train_texts(options={{**options, "freeze": "idle*"}}, out=folder / "frozen")
rank = torch.distributed.get_rank()
found = [said, refused, first.scores, first.epochs, first.folder]
(folder / f"rank{{rank}}.json").write_text(json.dumps(found))
"""


def torchrun(*words: object) -> subprocess.CompletedProcess[str]:
    """Run two processes on this machine."""
    words = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", 2, *words)
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of two processes, and one of a single one."""
    folder = tmp_path_factory.mktemp("processes")
    (folder / "script.py").write_text(SCRIPT)
    found = torchrun(folder / "script.py", folder, json.dumps(OPTIONS))
    assert found.returncode == 0, found.stderr
    assert found.stdout == ""
    train("text-classify", data=TEXTS, options=OPTIONS, out=folder / "one", device="cpu", quiet=True)
    return folder


def distance(a: Path, b: Path) -> float:
    """The largest difference of two runs' trained weights, as a share of each weight's largest element."""
    first, second = (load_file(path / "last.safetensors") for path in (a, b))
    names = [name for name in first if name.startswith("checkpoint.'state_dict'")]
    assert len(names) > 5
    shares = [
        float((first[name] - second[name]).abs().max() / first[name].abs().max().clamp(min=1e-6))
        for name in names
    ]
    return max(shares)


def losses(folder: Path) -> list[float]:
    epochs = json.loads((folder / "history.json").read_text())["epochs"]
    return [epoch[name] for epoch in epochs for name in ("train_loss", "validation_loss")]


@pytest.mark.slow
def test_two_processes_learn_what_one_does(together: Path) -> None:
    assert distance(together / "one", together / "two") < PROCESSES
    assert losses(together / "two") == pytest.approx(losses(together / "one"), rel=PROCESSES)
    one, two = (json.loads((together / name / "config.json").read_text()) for name in ("one", "two"))
    assert one["best_epoch"] == two["best_epoch"]
    assert one["scores"] == pytest.approx(two["scores"], rel=PROCESSES)


@pytest.mark.slow
def test_shares_that_are_joined_wrongly_are_seen(together: Path) -> None:
    assert distance(together / "one", together / "wrong weight") > 10 * PROCESSES


@pytest.mark.slow
def test_two_processes_resume_bit_by_bit(together: Path) -> None:
    assert distance(together / "two", together / "resumed") == 0
    assert losses(together / "two") == losses(together / "resumed")


@pytest.mark.slow
def test_dropout_is_seeded_and_one_process_differs_from_the_other(together: Path) -> None:
    assert distance(together / "dropout", together / "dropout again") == 0
    assert distance(together / "dropout", together / "two") > 10 * PROCESSES


@pytest.mark.slow
def test_the_first_process_alone_speaks_and_all_know_the_scores(together: Path) -> None:
    first, second = (json.loads((together / f"rank{rank}.json").read_text()) for rank in range(2))
    assert len(first[0]) == 3
    assert "name them in option freeze" in first[1]
    assert second[0] == []
    assert first[1:] == second[1:]


@pytest.mark.slow
def test_on_the_command_line(tmp_path: Path) -> None:
    words = (
        "-m",
        "edgernn.cli",
        "train",
        "forecast",
        "--set",
        "hidden_size=4",
        "--epochs",
        2,
        "--device",
        "cpu",
    )
    found = torchrun(*words, "--devices", 2, "--nodes", 1, "--out", tmp_path / "run", "--json")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["epochs"] == 2
    options = {"hidden_size": 4, "max_epochs": 2}
    train("forecast", options=options, out=tmp_path / "one", device="cpu", quiet=True)
    assert distance(tmp_path / "run", tmp_path / "one") < PROCESSES
    taken = torchrun(*words, "--out", tmp_path / "run")
    assert taken.returncode != 0
    assert taken.stderr.count("is not empty") == 1


def test_devices_that_nobody_started_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"devices: 2 on each of 1 .* torchrun --nproc_per_node 2 -m edgernn"
    ):
        join(2, None, "cpu")
    with pytest.raises(InputError, match=r"--nproc_per_node 1 --nnodes 3 "):
        join(None, 3, "cpu")
    with pytest.raises(InputError, match=r"nodes: must be 1 or more, found 0"):
        join(1, 0, "cpu")
    assert join(1, 1, "cpu") == Processes()


def test_more_gpus_than_there_are_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TORCHELASTIC_RUN_ID", "x"), ("LOCAL_WORLD_SIZE", "99"), ("WORLD_SIZE", "99")):
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=r"devices: 99 asked for, this machine has \d+ of them"):
        join(99, 1, "gpu")
    with pytest.raises(InputError, match=r"2 on each of 1 machines asked for, and 99 on each of 1 started"):
        join(2, 1, "cpu")


def test_every_sample_is_learned_from_once() -> None:
    class Numbers(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return 23

        def __getitem__(self, index: int) -> int:
            return index

    def seen(rank: int) -> list[Share]:
        return list(batches(Numbers(), 5, list, seed=3, processes=Processes(rank, 4)))

    shares: list[list[Share]] = [seen(rank) for rank in range(4)]
    assert len({len(own) for own in shares}) == 1
    found = sorted(number for own in shares for batch, counts in own if counts for number in batch)
    assert found == list(range(23))
    last = [own[-1] for own in shares]
    assert [share.counts for share in last] == [True, True, True, False]
    assert last[3].batch == last[0].batch
    whole: list[Any] = list(batches(Numbers(), 5, list, seed=3))
    assert [sorted(batch) for batch in whole] == [
        sorted(number for share in step if share.counts for number in share.batch)
        for step in zip(*shares, strict=True)
    ]


def test_a_share_with_nothing_to_learn_counts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # As if the other process had a mean of 3 over 4 samples.
    monkeypatch.setattr(torch.distributed, "all_reduce", lambda sums: sums.add_(torch.tensor([12.0, 4, 4])))
    recipe = find_recipe("text-classify")
    module = RecipeModule(recipe, nn.Linear(1, 1), recipe.options_type(), 0, processes=Processes(1, 2))
    module.model.register_buffer("class_weights", None)
    nothing = torch.zeros(0, requires_grad=True)
    for loss, counts in ((nothing.mean(), False), (torch.tensor(5.0, requires_grad=True) * 1, False)):
        share = Share((torch.zeros(1, 2), torch.ones(1), torch.zeros(1, dtype=torch.int64)), counts)
        learned, whole, size = module._of_all(share, loss, share.batch[2])
        assert (float(learned.detach()), float(whole), size) == (0.0, 3.0, 4)
        learned.backward()
    own = torch.tensor(8.0, requires_grad=True)
    share = Share((torch.zeros(1, 2), torch.ones(1), torch.zeros(1, dtype=torch.int64)), True)
    learned, whole, size = module._of_all(share, own * 1, share.batch[2])
    # (12 + 8) ÷ 5 in all; of its gradient, which is halved over two processes, a fifth is this one's.
    assert (float(whole), size) == (4.0, 5)
    learned.backward()
    assert float(own.grad) / 2 == pytest.approx(1 / 5)


def test_batch_normalisation_over_processes_is_refused() -> None:
    with pytest.raises(InputError, match=r"devices: 1 is a BatchNorm1d"):
        _check_normalisation(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
    _check_normalisation(nn.LayerNorm(2))
