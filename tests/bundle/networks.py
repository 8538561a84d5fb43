"""Networks that bundles are made of: what users have, and what is awkward."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

import edgernn
from edgernn.models.forecaster import Forecaster

EXAMPLE = Path(__file__).parents[2] / "examples" / "streaming_keyword_spotter.py"
NAMES = ("spotter", "forecast", "several")


class Several(nn.Module):
    """Two inputs, one of integers; three outputs, one of integers; a state that begins at minus infinity."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.lstm = nn.LSTM(3 + 4, 6, batch_first=True)
        self.head = nn.Linear(6, 2)

    def forward(self, x: Tensor, token: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        padded = nn.functional.pad(x.transpose(1, 2), (2, 0), value=-torch.inf)
        peaks = nn.functional.max_pool1d(padded, 3, 1).transpose(1, 2)
        y, _ = self.lstm(torch.cat([peaks, self.embed(token)], dim=-1))
        scores = self.head(y)
        return scores, y, scores.argmax(-1)


def export_all(folder: Path) -> None:
    """Write the three models: a GRU keyword spotter, an LSTM forecaster, and `Several`."""
    torch.manual_seed(0)
    example = _example()
    rate = example.RATE
    labels = [f"word {number}" for number in range(example.WORDS)]
    edgernn.export(
        example.KeywordSpotter().eval(),
        folder / "spotter.onnx",
        torch.randn(1, rate),
        streaming=True,
        check=False,
        metadata={"sample_rate": rate, "labels": labels},
    )
    forecaster = Forecaster(features=2, horizon=3, hidden_size=20).eval()
    for parameter in forecaster.parameters():  # a new one forecasts what it sees, whatever its states
        nn.init.normal_(parameter, 0, 0.4)
    edgernn.export(
        forecaster,
        folder / "forecast.onnx",
        torch.randn(1, 12, 2),
        streaming=True,
        check=False,
        metadata={"unit": "°C"},
    )
    edgernn.export(
        Several().eval(),
        folder / "several.onnx",
        (torch.randn(1, 12, 3), torch.randint(0, 10, (1, 12))),
        streaming=True,
        chunk=2,
        check=False,
        output_names=["scores", "hidden", "class"],
    )


def _example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("streaming_keyword_spotter", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
