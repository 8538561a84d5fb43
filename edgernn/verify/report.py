"""What a verification found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from edgernn.errors import ParityError


@dataclass(frozen=True)
class Check:
    """One comparison.

    Attributes:
        name: what was compared, e.g. "onnx = torch".
        detail: sizes, chunks, threads.
        max_abs_error: largest absolute difference over all outputs; infinite where shapes differ or NaN met.
        relative_error: the largest, over outputs, of difference ÷ the output's scale.
        tolerance: what the relative error may be.
        passed: whether it is.
        decisions: of outputs that are integers, such as labels: how many differ, and how many there are. One
            that was close may fall either way, so they are judged together (see `judge_decisions`).
    """

    name: str
    detail: str
    max_abs_error: float
    relative_error: float
    tolerance: float
    passed: bool
    decisions: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class ParityReport:
    """All comparisons of a file.

    Attributes:
        path: the file.
        checks: in the order they ran.
        skipped: what could not be checked, and why.
        warnings: what explains an error, e.g. inputs outside of the ranges that a file was calibrated for.
        provider: where the file ran.
    """

    path: str
    checks: tuple[Check, ...]
    skipped: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    provider: str = "cpu"

    @property
    def passed(self) -> bool:
        """Whether there were checks and all passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def max_abs_error(self) -> float:
        """The largest absolute difference of all checks."""
        return max((check.max_abs_error for check in self.checks), default=float("inf"))

    @property
    def max_relative_error(self) -> float:
        """The largest relative difference of all checks."""
        return max((check.relative_error for check in self.checks), default=float("inf"))

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that failed, worst first."""
        failed = [check for check in self.checks if not check.passed]
        return tuple(sorted(failed, key=lambda check: -check.relative_error))

    def summary(self) -> dict[str, float | bool | str]:
        """What the manifest keeps of the report."""
        return {
            "passed": self.passed,
            "checks": float(len(self.checks)),
            "max_abs_error": self.max_abs_error,
            "max_relative_error": self.max_relative_error,
        }

    def to_json(self, *, indent: int | None = None) -> str:
        """The report as JSON text."""
        checks = [asdict(check) for check in self.checks]
        data = {
            "path": self.path,
            "provider": self.provider,
            **self.summary(),
            "skipped": self.skipped,
            "warnings": self.warnings,
            "all_checks": checks,
        }
        return json.dumps(data, ensure_ascii=False, indent=indent)

    def raise_if_failed(self) -> None:
        """Raise ParityError where a check failed; the message names the worst ones."""
        if self.passed:
            return
        worst = "; ".join(
            f"{check.name} at {check.detail}: relative error {check.relative_error:.2g}, "
            f"allowed {check.tolerance:.2g}"
            for check in self.failures[:3]
        )
        failed = f"{len(self.failures)} of {len(self.checks)} checks failed: {worst or 'none ran'}."
        raise ParityError(" ".join((f"{self.path}: {failed}", *self.warnings)))


# An output that hardly varies would make every rounding error look large: float32 has 7 digits of it.
_SMALLEST_SPREAD = 0.02


def output_scale(reference: np.ndarray) -> float:
    """The scale that differences of an output are held against: how far it strays from its mean.

    A forecast of 26 °C ± 3 °C has the scale 3 °C, not 29 °C: what makes a network is what changes.
    """
    if not reference.size or not np.isfinite(reference).all():
        return 1.0
    spread = float(np.abs(reference - reference.mean()).max())
    return max(spread, _SMALLEST_SPREAD * float(np.abs(reference).max())) or 1.0


def compare(
    name: str,
    detail: str,
    expected: list[np.ndarray],
    found: list[np.ndarray],
    tolerance: float,
    scales: list[float] | None = None,
    *,
    count_integers: bool = False,
    root_mean_square: bool = False,
) -> Check:
    """Compare outputs, each relative to its scale: by default the largest absolute value of its reference.

    With `count_integers`, integers that differ are only counted, for `judge_decisions`. With
    `root_mean_square`, it is the differences' root mean square that is held against the scale.
    """
    worst_absolute, worst_relative = 0.0, 0.0
    differing, decided = 0, 0
    if len(expected) != len(found):
        return Check(name, f"{detail}: other outputs", np.inf, np.inf, tolerance, False)
    if scales is None:
        scales = [float(np.abs(reference).max()) if reference.size else 1.0 for reference in expected]
    for reference, value, scale in zip(expected, found, scales, strict=True):
        if reference.shape != value.shape:
            shapes = f"{detail}: shape {value.shape}, expected {reference.shape}"
            return Check(name, shapes, float("inf"), float("inf"), tolerance, False)
        if not reference.size:
            continue
        if count_integers and reference.dtype.kind in "iub":
            differing, decided = differing + int((reference != value).sum()), decided + reference.size
            continue
        with np.errstate(invalid="ignore"):  # infinities of one sign differ by NaN, which is an error too
            difference = np.abs(value.astype(np.float64) - reference.astype(np.float64))
        if not np.isfinite(difference).all():
            worst_absolute = worst_relative = float("inf")
            continue
        absolute = float(difference.max())
        worst_absolute = max(worst_absolute, absolute)
        held = float(np.sqrt(np.square(difference).mean())) if root_mean_square else absolute
        worst_relative = max(worst_relative, held / (scale or 1.0))
    passed = bool(worst_relative <= tolerance)
    return Check(name, detail, worst_absolute, worst_relative, tolerance, passed, (differing, decided))


def judge_decisions(checks: Sequence[Check], allowed: float) -> list[Check]:
    """A check of the integers that each kind of checks met: which share of them differs.

    Args:
        checks: as `compare` made them.
        allowed: the share that may differ.
    """
    judged = []
    for name in dict.fromkeys(check.name for check in checks):
        differing, decided = (
            sum(check.decisions[n] for check in checks if check.name == name) for n in (0, 1)
        )
        if decided:
            share = differing / decided
            detail = f"{differing} of {decided} differ"
            judged.append(Check(f"{name}, integers", detail, share, share, allowed, share <= allowed))
    return judged
