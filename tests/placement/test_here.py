"""The parity suite on every provider of this onnxruntime beyond the CPU: on a machine with a GPU, CUDA."""

from __future__ import annotations

import pytest

from edgernn.runtime import providers

from .on_provider import CONTRACTS, OTHER, verify

HERE = [name for name in providers.present() if name != "cpu"]


@pytest.mark.slow
@pytest.mark.parametrize("provider", HERE)
def test_the_parity_suite_passes(provider: str) -> None:
    found = verify(provider)
    assert not found.pop(OTHER)["passed"]
    assert set(found) == set(CONTRACTS)
    assert [(name, item) for name, item in found.items() if not item["passed"]] == []
