"""The cases again under the sanitizers of addresses, undefined behaviour and threads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .cases import SCHEMES, draw_many, draw_wide
from .running import answers, available, run

pytestmark = pytest.mark.slow

SANITIZERS = {"memory": "address,undefined", "threads": "thread"}
LAYERS = draw_many(seed=4) + draw_wide(seed=4)


@pytest.fixture(scope="session", params=SANITIZERS)
def program(request: pytest.FixtureRequest, compiled: Callable[..., Path]) -> Path:
    return compiled(request.param, None, f"-DSANITIZE={SANITIZERS[request.param]}") / "run_cases"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nothing_is_found(program: Path, tmp_path: Path, scheme: str) -> None:
    for name in available([program]):
        layers = LAYERS if name != "plain" else LAYERS[::4]
        answers([program], layers, tmp_path, name, scheme=scheme, threads=3)


BROKEN = {
    "address": "int main(int count, char**) { int* one = new int[1](); return one[count + 7]; }",
    "undefined": "int main(int count, char**) { int large = 2147483647; return large + count; }",
    "thread": """
#include <thread>
int main() { int sum = 0; std::thread other([&] { ++sum; }); ++sum; other.join(); return sum == 3; }
""",
}


@pytest.mark.parametrize("sanitizer", BROKEN)
def test_control_the_sanitizers_of_this_machine_find_faults(tmp_path: Path, sanitizer: str) -> None:
    source, program = tmp_path / "broken.cpp", tmp_path / "broken"
    source.write_text(BROKEN[sanitizer])
    flags = [f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all", "-std=c++17", "-g", "-pthread"]
    run(["c++", *flags, source, "-o", program])
    with pytest.raises(AssertionError, match=r"Sanitizer|runtime error"):
        run([program])
