"""Suites: found by name, measured beside their targets."""

import json

import pytest

from edgernn.bench import SuiteReport, run_suite, suite_names
from edgernn.bench.statistics import Ratio
from edgernn.bench.suite_report import Row
from edgernn.bench.suites import int8, targets
from edgernn.errors import InputError


def row(median, target=0.7):
    return Row("push", 64, target, Ratio("default path", median, median, median), 7.0, 10.0)


def test_met_and_by_how_much():
    assert row(0.7).met
    assert row(0.35).excess == pytest.approx(-0.5)
    missed = row(0.84)
    assert not missed.met
    assert missed.excess == pytest.approx(0.2)


def test_a_suite_is_met_where_every_row_is():
    assert SuiteReport("s", (row(0.5), row(0.7))).met
    assert not SuiteReport("s", (row(0.5), row(0.8))).met
    assert not SuiteReport("s", ()).met


def test_the_report_as_json_and_table():
    report = SuiteReport("s", (row(0.84),), {"int8": "not there"})
    data = json.loads(report.to_json())
    assert data["rows"][0]["met"] is False
    assert data["rows"][0]["ratio"]["median"] == 0.84
    from rich.console import Console

    console = Console(width=100, markup=False)  # as the command line has it
    with console.capture() as capture:
        console.print(report.render())
    text = capture.get()
    assert "0.84 > 0.70" in text
    assert "+20%" in text
    assert "[" not in text
    assert "not there" in text


def test_an_unknown_suite_is_refused_with_the_nearest():
    assert "targets" in suite_names()
    with pytest.raises(InputError, match=r"unknown suite 'target'\. Did you mean 'targets'\?"):
        run_suite("target")


@pytest.mark.slow
def test_targets_measures_every_row_of_a_size():
    rows = []
    skipped = targets.measure(1, rows.append, sizes=(64,))
    found = {(row.what, row.ratio.to) for row in rows}
    for cell in targets.CELLS:
        assert (f"Stream.push, {cell}, float32", "default path") in found
        assert (f"Session.run, 100 steps, {cell}, float32", "default path") in found
        assert (f"StreamPool, 32 streams, {cell}, float32", "default path") in found
    assert skipped == {}
    assert ("Stream.push, LSTM, int8", "default path, int8") in found
    assert ("Stream.push, GRU, int8", "default path") in found


@pytest.mark.slow
def test_int8_measures_every_call_of_a_size():
    rows = []
    assert int8.measure(1, rows.append, sizes=(64,)) == {}
    found = {(row.what, row.ratio.to) for row in rows}
    for cell in int8.CELLS:
        for call in ("Stream.push, 1 step", "Stream.push, 10 steps", "Session.run, 100 steps"):
            assert (f"{call}, {cell}, int8 ÷ float32", "float32") in found
    for choice in ("chunk 1", "onnxruntime ≥ 1.22", "chunk 1, onnxruntime ≥ 1.22"):
        assert (f"Stream.push, GRU, int8, {choice}", "default path") in found
    assert len(rows) == len(found) == 12
