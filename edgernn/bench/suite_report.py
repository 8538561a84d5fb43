"""What a suite found: measured ratios beside their targets."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from edgernn.bench.statistics import Ratio

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes:
        what: what was run, e.g. "Stream.push, GRU, float32".
        hidden_size: size of the recurrent layer; its input has the same.
        target: what the ratio may be at most; None where nothing is asked.
        ratio: time of edgernn ÷ time of what it is held against, which `ratio.to` names.
        microseconds: median time of edgernn, a call and stream; a step and stream where `case` has steps.
        baseline_microseconds: median time of the other.
        case: what was measured, by the suite's dimensions.
        floor_microseconds: what a step takes at least: reading each weight of the file once.
        file_bytes: size of the file.
    """

    what: str
    hidden_size: int
    target: float | None
    ratio: Ratio
    microseconds: float
    baseline_microseconds: float
    case: dict[str, str | int] = field(default_factory=dict)
    floor_microseconds: float | None = None
    file_bytes: int | None = None

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Row:
        """A row from what `dataclasses.asdict` makes of one."""
        return cls(**{**data, "ratio": Ratio(**data["ratio"])})

    @property
    def percent_of_floor(self) -> float | None:
        """How much of a step the floor is: 100 would be a step that cannot be faster."""
        floor = self.floor_microseconds
        return None if floor is None else 100.0 * floor / self.microseconds

    @property
    def met(self) -> bool:
        """Whether the ratio is within the target, if there is one."""
        return self.target is None or self.ratio.median <= self.target

    @property
    def excess(self) -> float | None:
        """How far the ratio is above the target, as a part of it; negative below."""
        return None if self.target is None else self.ratio.median / self.target - 1.0


@dataclass(frozen=True)
class SuiteReport:
    """A suite's rows.

    Attributes:
        name: the suite's.
        rows: in the order they ran.
        skipped: what could not be measured, and why.
        machine: what it was measured on.
    """

    name: str
    rows: tuple[Row, ...]
    skipped: dict[str, str] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether something was measured and every target met."""
        return bool(self.rows) and all(row.met for row in self.rows)

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text."""
        data = asdict(self)
        data["met"] = self.met
        for found, row in zip(data["rows"], self.rows, strict=True):
            found |= {"met": row.met, "excess": row.excess, "percent_of_floor": row.percent_of_floor}
        return json.dumps(data, ensure_ascii=False, indent=indent, allow_nan=False)

    def render(self) -> Table:
        """The report as a rich table: a line for each thing measured, a column for each size."""
        from rich.table import Table

        sizes = sorted({row.hidden_size for row in self.rows})
        cells = {(row.what, row.ratio.to, row.hidden_size): _cell(row) for row in self.rows}
        title = "ratio ≤ target, how far from it"
        if all(row.target is None for row in self.rows):
            title = "ratio, µs of a step, share of it that the floor is"
        table = Table(title=f"{self.name}: {title}", title_justify="left", show_lines=True)
        table.add_column("time of ÷ time of")
        for size in sizes:
            table.add_column(f"size {size}", justify="right", no_wrap=True)
        for what, other in dict.fromkeys((row.what, row.ratio.to) for row in self.rows):
            table.add_row(f"{what} ÷ {other}", *(cells.get((what, other, size), "") for size in sizes))
        if self.skipped:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in self.skipped.items())
            table.caption = f"Not measured: {reasons}"
        return table


def counted(count: int, what: str) -> str:
    """1 step, 10 steps."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _cell(row: Row) -> Text:
    from rich.text import Text

    if row.target is None or row.excess is None:
        share = "" if row.percent_of_floor is None else f", {row.percent_of_floor:.0f} %"
        return Text(f"{row.ratio.median:.2f}\n{row.microseconds:.3g} µs{share}")
    sign = "≤" if row.met else ">"
    # Three digits where two would show a ratio above its target as equal to it.
    digits = 2 if row.met or round(row.ratio.median, 2) > row.target else 3
    cell = Text(f"{row.ratio.median:.{digits}f} {sign} {row.target:.2f}\n")
    cell.append(f"{row.excess:+.0%}", style="green" if row.met else "red")
    return cell if row.percent_of_floor is None else cell.append(f"\n{row.percent_of_floor:.0f} % floor")
