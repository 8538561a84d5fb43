"""The environment of a device: how it is made, and the files that run in it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import edgernn

ROOT = Path(__file__).parents[2]
# The oldest onnxruntime of pyproject.toml that Python has; it was built for numpy 1.
OLDEST = ["onnxruntime==1.17.3", "numpy<2"] if sys.version_info < (3, 13) else ["onnxruntime"]

BATCH, STEPS = 2, 6
# Streams of any chunk are cut so; one of a fixed chunk into single steps.
CUTS = (1, 3, 2)
FORMS: dict[str, dict[str, object]] = {
    "op": {"recurrence": "op"},
    "scan": {"recurrence": "scan"},
    "loop": {"recurrence": "loop"},
    "unrolled": {"recurrence": "unrolled", "length": STEPS},
    "stream": {"streaming": True},
    "stream_of_1": {"streaming": True, "chunk": 1},
    "stream_scan": {"streaming": True, "recurrence": "scan"},
}
SCHEMES = ("float32", "int8", "int8-stable", "int4", "fp16")
FILES = [f"{form}.{scheme}" for form in FORMS for scheme in SCHEMES]
# Layers so wide that their int8 bodies multiply integers, see edgernn/quantize/recurrent.py.
WIDE = {
    "wide_gru": (nn.GRU, 320, "GRU_int8_chunk"),
    "wider_gru": (nn.GRU, 448, "GRU_int8_scan"),
    "wide_lstm": (nn.LSTM, 192, "LSTM_int8_dynamic"),
}

# What a network's weights are made to be, so that files hold them in another way.
SMALLER = ("pruned", "low_rank")
SMALLER_FILES = [f"{name}.{scheme}" for name in SMALLER for scheme in ("float32", "int8", "int4", "fp16")]

RUN_ALL = f"""
import sys
from pathlib import Path
import numpy as np
import edgernn

folder = Path(sys.argv[1])
x = np.load(folder / "x.npy")
found = {{}}
for path in sorted(folder.glob("*.onnx")):
    session = edgernn.load(path)
    if not session.manifest.streaming:
        found[path.stem] = session.run(x)
        continue
    cuts = [1] * x.shape[1] if session.manifest.chunk else {CUTS}
    chunks = np.split(x, np.cumsum(cuts)[:-1], axis=1)
    stream = session.stream(batch=len(x))
    found[path.stem] = np.concatenate([stream.push(chunk) for chunk in chunks], axis=1)
    stream.reset()
    found["again." + path.stem] = np.concatenate([stream.push(chunk) for chunk in chunks], axis=1)
    pool = session.pool(capacity=4)
    ids = [pool.open() for _ in x]
    rows = []
    for step in range(x.shape[1]):
        for row, id in enumerate(ids):
            pool.push(id, x[row : row + 1, step : step + 1])
        answers = pool.step()
        rows.append(np.concatenate([np.asarray(answers[id]).reshape(1, 1, -1) for id in ids]))
    found["pool." + path.stem] = np.concatenate(rows, axis=1)
np.savez(sys.argv[2], **found)
"""


class Network(nn.Module):
    """Two layers of LSTM, and what users put around them."""

    def __init__(self) -> None:
        super().__init__()
        self.into = nn.Linear(3, 16)
        self.lstm = nn.LSTM(16, 24, num_layers=2, batch_first=True)
        self.norm = nn.LayerNorm(24)
        self.head = nn.Linear(24, 2)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.head(self.norm(self.lstm(torch.tanh(self.into(x)))[0]))
        return y


class Wide(nn.Module):
    """The outputs of one layer alone."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)[0]
        return y


def make() -> tuple[nn.Module, Tensor]:
    """The network and its input, the same every time."""
    torch.manual_seed(0)
    return Network().eval(), torch.randn(BATCH, STEPS, 3)


def make_wide(name: str) -> nn.Module:
    """One wide layer, the same every time; the stream leaves its states out."""
    torch.manual_seed(1)
    kind, hidden, _ = WIDE[name]
    return Wide(kind(3, hidden, batch_first=True)).eval()


@torch.no_grad()
def make_smaller(name: str) -> nn.Module:
    """A layer with blocks of zeros, or matrices of an eighth of their rank; the same every time."""
    torch.manual_seed(2)
    model = Wide(nn.GRU(3, 96, batch_first=True)).eval()
    recurrent = model.layer.weight_hh_l0
    if name == "pruned":
        recurrent[:, :64] = 0
    else:
        left, values, right = torch.linalg.svd(recurrent, full_matrices=False)
        recurrent.copy_(4 * (left[:, :12] * values[:12]) @ right[:12])
    return model


def clean_environment() -> dict[str, str]:
    """Without what would let the new environment see this one's packages."""
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in hidden}


@dataclass(frozen=True)
class Device:
    """The environment.

    Attributes:
        folder: the working folder: x.npy, the exported files, the virtual environment.
        wheel: the built wheel.
    """

    folder: Path
    wheel: Path

    @property
    def python(self) -> Path:
        """The environment's Python."""
        return self.folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"

    def run(self, *words: object, input: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the environment's Python in the working folder."""
        return subprocess.run(
            [str(self.python), *map(str, words)],
            cwd=self.folder,
            env=clean_environment(),
            input=input,
            capture_output=True,
            text=True,
            check=False,
        )

    def edgernn(self, *words: object, input: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command of edgernn there."""
        return self.run("-m", "edgernn.cli", *words, input=input)


def install(root: Path) -> None:
    pip = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(root / "wheel"),
        str(ROOT),
    ]
    _call(pip)
    (wheel,) = (root / "wheel").glob("edgernn-*.whl")
    _call([sys.executable, "-m", "venv", str(root / "venv")])
    _call([str(Device(root, wheel).python), "-m", "pip", "install", "--quiet", str(wheel), *OLDEST])


def _call(words: list[str]) -> None:
    done = subprocess.run(words, env=clean_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(words)}\n{done.stdout}\n{done.stderr}", pytrace=False)


def export_all(root: Path) -> None:
    """Every form in every scheme, as FORM.SCHEME.onnx, and the script that runs them all."""
    network, x = make()
    np.save(root / "x.npy", x.numpy())
    for form, options in FORMS.items():
        edgernn.export(network, root / f"{form}.float32.onnx", x, check=False, **options)  # type: ignore[arg-type]
        for scheme in SCHEMES[1:]:
            edgernn.quantize(root / f"{form}.float32.onnx", root / f"{form}.{scheme}.onnx", scheme=scheme)
    for name in WIDE:
        edgernn.export(make_wide(name), root / f"{name}.float32.onnx", x, streaming=True, check=False)
        edgernn.quantize(root / f"{name}.float32.onnx", root / f"{name}.int8.onnx")
    for name in SMALLER:
        source = root / f"{name}.float32.onnx"
        edgernn.export(make_smaller(name), source, x, streaming=True, check=False)
        for scheme in ("int8", "int4", "fp16"):
            edgernn.quantize(source, root / f"{name}.{scheme}.onnx", scheme=scheme)
    for form in ("stream", "scan", "unrolled"):
        half = {"scheme": "fp16", "options": {"compute": "half"}}
        edgernn.quantize(root / f"{form}.float32.onnx", root / f"half.{form}.onnx", **half)
    (root / "run_all.py").write_text(RUN_ALL)
