"""The reference needs numpy alone: what it is compared with must not be what it is made of."""

from __future__ import annotations

import subprocess
import sys


def test_only_numpy_is_imported() -> None:
    code = (
        "import sys, numpy; before = set(sys.modules)\n"
        "import edgernn.reference, edgernn.reference.output, edgernn.reference.losses\n"
        "import edgernn.reference.optimizer, edgernn.reference.gradient_check\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(new - set(sys.stdlib_module_names) - {'numpy'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["edgernn"]
