"""Memory that stays between batches, where glibc hands it out."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys, torch
from edgernn import Recurrent
from edgernn.cells import LayerNormLSTM, memory, backpropagated
if sys.argv[1] == "off":
    backpropagated.keep_freed_memory = lambda: None
torch.set_num_threads(1)
recurrent, x = Recurrent(LayerNormLSTM(64, 64)), torch.randn(16, 100, 64)
def faults(batches):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(batches):
        recurrent(x)[0].square().mean().backward()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults(3)
print(faults(10))
"""


def page_faults(*words: str) -> int:
    """Of ten batches, in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=True
    )
    return int(result.stdout)


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators have other rules")
def test_a_batch_does_not_fetch_its_memory_anew() -> None:
    assert page_faults("on") < 0.3 * page_faults("off")
