"""Training in several processes, each on a share of every batch, through torch.distributed.

torchrun starts the processes and tells each its number in environment variables:

    torchrun --nproc_per_node 2 -m edgernn.cli train forecast --devices 2

`batch_size` stays the size of a whole batch: each batch is cut into shares, one a process, and the loss and
its gradient are those of the whole batch (see `edgernn.training.module`). So the number of processes changes
how long training takes and not what comes out, but for the order of sums and the random numbers of dropout
and augmentation, which each process draws for itself. The first process alone writes and prints.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgernn.errors import InputError

# What torchrun sets.
_LAUNCHED, _RANK, _LOCAL_RANK = "TORCHELASTIC_RUN_ID", "RANK", "LOCAL_RANK"
_COUNT, _LOCAL_COUNT = "WORLD_SIZE", "LOCAL_WORLD_SIZE"


@dataclass(frozen=True)
class Processes:
    """The processes that train together.

    Attributes:
        rank: the number of this one, from 0.
        devices: how many there are on each machine.
        nodes: how many machines there are.
    """

    rank: int = 0
    devices: int = 1
    nodes: int = 1

    @property
    def count(self) -> int:
        """How many there are in all."""
        return self.devices * self.nodes

    @property
    def first(self) -> bool:
        """Whether this is the one that writes and prints."""
        return self.rank == 0

    def share(self, batch: Sequence[int]) -> list[int]:
        """This process's samples of a batch; the first one, counting nothing, where none is left for it."""
        return list(batch[self.rank :: self.count]) or list(batch[:1])

    def counts(self, samples: int) -> bool:
        """Whether this process has a share of a batch of so many samples."""
        return self.rank < samples

    def from_first(self, text: str | None) -> str:
        """What the first process gave, in all of them."""
        found: list[Any] = [text]
        if self.count > 1:
            import torch.distributed

            torch.distributed.broadcast_object_list(found)
        return str(found[0])

    def wait(self) -> None:
        """Go on when all have come here: what the first one wrote is there for all."""
        self.from_first("")

    def check_alike(self, text: str) -> None:
        """Raise InputError where the processes' data, by their digest, are not the same."""
        if self.from_first(text) != text:
            raise InputError(
                f"data: process {self.rank} has other data than the first one. Give all the same files."
            )


def launched() -> bool:
    """Whether torchrun started this process."""
    return _LAUNCHED in os.environ


def prints() -> bool:
    """Whether what there is to say is said by this process: the first of all, or the only one."""
    return not launched() or os.environ.get(_RANK) == "0"


def tells_errors() -> bool:
    """Whether this process tells its errors: the first of each machine, since they may be of the machine."""
    return not launched() or os.environ.get(_LOCAL_RANK) == "0"


def join(devices: int | None, nodes: int | None, device: str) -> Processes:
    """The processes that train, after each has met the others.

    Args:
        devices: how many processes a machine has; None: as many as torchrun started, without it one.
        nodes: how many machines there are; None: as many as torchrun knows of.
        device: what each process trains on: "auto", "cpu", "gpu", ….

    Raises:
        InputError: where so many were not started, or there are not so many devices.
    """
    for name, value in (("devices", devices), ("nodes", nodes)):
        if value is not None and value < 1:
            raise InputError(f"{name}: must be 1 or more, found {value}.")
    here = int(os.environ.get(_LOCAL_COUNT, "1")) if launched() else 1
    machines = int(os.environ.get(_COUNT, "1")) // here if launched() else 1
    wanted, wanted_machines = devices or here, nodes or machines
    if (wanted, wanted_machines) != (here, machines):
        across = (
            f" --nnodes {wanted_machines} --rdzv_endpoint FIRST_MACHINE:29500" if wanted_machines > 1 else ""
        )
        raise InputError(
            f"devices: {wanted} on each of {wanted_machines} machines asked for, and {here} on each of "
            f"{machines} started. Each device is a process, which torchrun starts: torchrun "
            f"--nproc_per_node {wanted}{across} -m edgernn.cli train RECIPE … --devices {wanted} "
            f"--nodes {wanted_machines}."
        )
    if here * machines == 1:
        return Processes()
    _check_number(device, here)
    return Processes(_meet(device), here, machines)


def _check_number(device: str, wanted: int) -> None:
    """Raise InputError where there are fewer devices than processes on this machine."""
    import torch

    found = torch.cuda.device_count()
    on_gpu = device in ("gpu", "cuda") or (device == "auto" and found > 0)
    if on_gpu and found < wanted:
        raise InputError(
            f"devices: {wanted} asked for, this machine has {found} of them. Start as many processes "
            "(torchrun --nproc_per_node), or train on --device cpu."
        )


def _meet(device: str) -> int:
    """Join the others, where that was not done yet; this process's number."""
    import torch
    import torch.distributed

    if not torch.distributed.is_initialized():
        on_gpu = device != "cpu" and torch.cuda.is_available()
        if on_gpu:
            torch.cuda.set_device(int(os.environ[_LOCAL_RANK]))
        torch.distributed.init_process_group("nccl" if on_gpu else "gloo")
        # Lightning would end the group for itself, and the next training in this process needs it again.
        atexit.register(_part)
    return int(torch.distributed.get_rank())


def _part() -> None:
    import torch.distributed

    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
