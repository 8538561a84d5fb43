"""How fast whole epochs train with `edgernn.Recurrent`, against torch's own modules.

    OMP_NUM_THREADS=1 python tools/bench_epochs.py [--samples 256] [--batch 16] [--hidden 64] [--rounds 15]
        [--kinds GRU LSTM] [--json]

One epoch is what training does: batches in another order every time, padded to their longest sequence, an
embedding, one recurrent layer, a mean over each sequence's own steps, a linear head, cross entropy, backward,
a clipped step of AdamW. Sequences have 10 to 100 steps. Both networks have the same weights and see the same
batches:

- *ours*: `Recurrent(cell)(x, lengths=lengths)`,
- *torch*: `nn.GRU` or `nn.LSTM` on `pack_padded_sequence`, the way to give torch's own modules lengths;
  without lengths, on the padded batch.

The two take turns, epoch by epoch, and the first one changes from round to round. A ratio is the median over
the rounds' own ratios of processor time, after a round of warm-up, with the middle half of the rounds beside
it; below 1, ours is faster. That both learn the same is checked: their losses must agree.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from edgernn import GRU, LSTM, Recurrent
from edgernn.training.batches import batches

KINDS: dict[str, tuple[type, type[nn.RNNBase]]] = {"GRU": (GRU, nn.GRU), "LSTM": (LSTM, nn.LSTM)}
CLASSES, SYMBOLS, SHORTEST, LONGEST = 5, 200, 10, 100
# Losses of an epoch, of the same sums in another order.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Row:
    """One comparison: the time of an epoch of `ours` ÷ that of torch's module.

    Attributes:
        kind: GRU or LSTM.
        bidirectional, lengths: what both were given.
        ratio, low, high: the median over the rounds, and the quartiles.
        milliseconds: median time of our epoch.
    """

    kind: str
    bidirectional: bool
    lengths: bool
    ratio: float
    low: float
    high: float
    milliseconds: float


class Classifier(nn.Module):
    """Embedding, recurrent layer, mean over a sequence's own steps, head."""

    def __init__(self, recurrent: nn.Module, hidden: int, directions: int, lengths: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, hidden, padding_idx=0)
        self.recurrent = recurrent
        self.head = nn.Linear(directions * hidden, CLASSES)
        self.lengths = lengths

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Logits of (batch, time) symbols."""
        y = self.run(self.embedding(ids), lengths if self.lengths else None)
        inside = torch.arange(ids.shape[1]) < lengths.unsqueeze(1)
        return self.head((y * inside.unsqueeze(-1)).sum(1) / lengths.unsqueeze(1))

    def run(self, x: Tensor, lengths: Tensor | None) -> Tensor:
        """The recurrent layer's outputs."""
        if isinstance(self.recurrent, Recurrent):
            return self.recurrent(x, lengths=lengths)[0]
        if lengths is None:
            return self.recurrent(x)[0]
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.recurrent(packed)[0], batch_first=True, total_length=x.shape[1])[0]


class Texts(torch.utils.data.Dataset):
    """Random symbols; the class follows from the first one."""

    def __init__(self, samples: int) -> None:
        lengths = torch.randint(SHORTEST, LONGEST + 1, (samples,))
        self.rows = [torch.randint(1, SYMBOLS, (int(length),)) for length in lengths]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Tensor:
        return self.rows[index]


def collate(rows: list[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    ids = pad_sequence(rows, batch_first=True)
    return ids, torch.tensor([len(row) for row in rows]), ids[:, 0] % CLASSES


def epochs(model: nn.Module, samples: Texts, batch: int) -> Iterator[tuple[float, float]]:
    """Seconds and mean loss of one epoch after the other."""
    loader = batches(samples, batch, collate, seed=0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    epoch = 0
    while True:
        loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        start, total = time.process_time(), 0.0
        for ids, lengths, target in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(ids, lengths), target)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        yield time.process_time() - start, total / len(loader)
        epoch += 1


def compare(
    kind: str, bidirectional: bool, lengths: bool, arguments: argparse.Namespace, samples: Texts
) -> Row:
    hidden, directions = arguments.hidden, 2 if bidirectional else 1
    cell, module = KINDS[kind]
    torch.manual_seed(0)
    theirs = module(hidden, hidden, batch_first=True, bidirectional=bidirectional)
    own = Recurrent(cell(hidden, hidden), bidirectional=bidirectional)
    own.cells = nn.ModuleList(cell.from_torch(theirs, 0, reverse) for reverse in (False, True)[:directions])
    ours = Classifier(own, hidden, directions, lengths)
    other = Classifier(theirs, hidden, directions, lengths)
    other.embedding.load_state_dict(ours.embedding.state_dict())
    other.head.load_state_dict(ours.head.state_dict())
    runs = [epochs(model, samples, arguments.batch) for model in (ours, other)]
    for run in runs:
        next(run)  # warm-up
    ratios, times = [], []
    for number in range(arguments.rounds):
        order = (0, 1) if number % 2 else (1, 0)
        found = {index: next(runs[index]) for index in order}
        (own_time, own_loss), (their_time, their_loss) = found[0], found[1]
        if abs(own_loss - their_loss) > TOLERANCE * abs(their_loss):
            raise SystemExit(f"{kind}: losses differ, {own_loss} and {their_loss}: the two are not the same")
        ratios.append(own_time / their_time)
        times.append(own_time)
    low, middle, high = statistics.quantiles(ratios, n=4)
    return Row(kind, bidirectional, lengths, middle, low, high, 1000 * statistics.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(description="Ratios of times of training epochs.")
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=15, help="at least 2")
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS))
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    samples = Texts(arguments.samples)
    rows = [
        compare(kind, bidirectional, lengths, arguments, samples)
        for kind in arguments.kinds
        for bidirectional in (False, True)
        for lengths in (False, True)
    ]
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    print(f"batch {arguments.batch}, hidden {arguments.hidden}, {arguments.samples} samples an epoch")
    for row in rows:
        what = f"{row.kind}{', bidirectional' * row.bidirectional}{', lengths' * row.lengths}"
        spread = f"{row.low:.3f} to {row.high:.3f}"
        print(f"  {what:30} {row.ratio:6.3f} ×   {spread:16} {row.milliseconds:8.1f} ms an epoch")


if __name__ == "__main__":
    main()
