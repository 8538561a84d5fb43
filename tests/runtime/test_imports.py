"""A device installs numpy and onnxruntime alone: running a model must import neither torch nor onnx."""

import subprocess
import sys

PROGRAM = """
import sys
import edgernn
import numpy as np

session = edgernn.load(sys.argv[1])
session.run(np.zeros((1, 2, 3)))
stream = session.stream()
stream.push(np.zeros((1, 1, 3)))
stream.restore(stream.snapshot())
pool = session.pool(2)
pool.push(pool.open(), np.zeros((1, 1, 3)))
pool.step()
heavy = {"torch", "onnx", "onnx_ir", "onnxscript", "typer", "rich", "scipy", "pandas"}
print(sorted(heavy & {name.split(".")[0] for name in sys.modules}))
print(sorted(name for name in sys.modules if name.startswith("edgernn.") and ".runtime" not in name))
"""


def test_the_runtime_needs_numpy_and_onnxruntime_alone(recurrent):
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(recurrent())], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    heavy, own = result.stdout.splitlines()
    assert heavy == "[]"
    assert own == "['edgernn.errors', 'edgernn.files', 'edgernn.kernels', 'edgernn.manifest']"
