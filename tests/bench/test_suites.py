"""Suites: found by name, measured beside their targets."""

import json
from typing import ClassVar

import pytest

from edgernn.bench import SuiteReport, draw_suite, run_suite, suite_names, suites
from edgernn.bench.statistics import Ratio
from edgernn.bench.suite_report import Row
from edgernn.bench.suite_request import Request, parse_only
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
    report = run_suite("targets", rounds=1, only=["hidden=64"])
    found = {(row.what, row.ratio.to) for row in report.rows}
    for cell in targets.CELLS:
        assert (f"Stream.push, {cell}, float32", "default path") in found
        assert (f"Session.run, 100 steps, {cell}, float32", "default path") in found
        assert (f"StreamPool, 32 streams, {cell}, float32", "default path") in found
    assert report.skipped == {}
    assert ("Stream.push, LSTM, int8", "default path, int8") in found
    assert ("Stream.push, GRU, int8", "default path") in found
    assert {row.hidden_size for row in report.rows} == {64}


DIMENSIONS = {"cell": ("GRU", "LSTM"), "hidden": (64, 128)}


def test_a_part_of_a_suite_is_chosen_by_its_dimensions():
    chosen = parse_only(["hidden=128", "cell=GRU, LSTM"], DIMENSIONS)
    assert chosen == {"hidden": (128,), "cell": ("GRU", "LSTM")}
    request = Request(1, chosen)
    assert request.asks({"cell": "GRU"})
    assert request.asks({"cell": "GRU", "hidden": 128, "batch": 1})
    assert not request.asks({"cell": "GRU", "hidden": 64})


@pytest.mark.parametrize(
    ("only", "said"),
    [
        (["hidden"], "expected NAME=VALUE,VALUE with a name of .*'cell', 'hidden'.*found 'hidden'"),
        (["size=64"], "found 'size=64'"),
        (["hidden=65"], r"hidden has no value '65'. Use one of \['64', '128'\]"),
        (["hidden=64", "hidden=128"], "'hidden' is named twice"),
    ],
)
def test_a_part_that_the_suite_has_not_is_refused(only, said):
    with pytest.raises(InputError, match=said):
        parse_only(only, DIMENSIONS)


def measured(case, ratio=0.5, floor=2.0, scheme="float32"):
    """A row of a matrix: twice the floor, half of the default path."""
    case = {"layers": 1, "steps": 1, "batch": 1, "threads": 1, "scheme": scheme, **case}
    times = Ratio("default path", ratio, ratio, ratio), 2 * floor, 2 * floor / ratio
    what = f"{case['network']}, {scheme}"
    return Row(what, case["hidden"], None, *times, case, floor, 1000 * case["hidden"])


class Counting:
    """A suite of four cases that says which it measured, and may stop on the way."""

    DIMENSIONS: ClassVar = {"network": ("GRU", "LSTM"), "hidden": (64, 128)}

    def __init__(self, stop_after=None):
        self.measured, self.stop_after = [], stop_after

    def measure(self, request, report_row):
        for network in self.DIMENSIONS["network"]:
            for hidden in self.DIMENSIONS["hidden"]:
                case = {"network": network, "hidden": hidden}
                if request.wants(case):
                    if len(self.measured) == self.stop_after:
                        raise KeyboardInterrupt
                    self.measured.append((network, hidden))
                    report_row(measured(case))
        return {}


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run a `Counting` in a folder."""

    def run(suite, only=()):
        monkeypatch.setattr(suites, "find_suite", lambda name: suite)
        return run_suite("targets", rounds=1, only=only, out=tmp_path / "out")

    return run


def test_a_suite_goes_on_where_it_stopped(run):
    with pytest.raises(KeyboardInterrupt):
        run(Counting(stop_after=2))
    suite = Counting()
    report = run(suite)
    assert suite.measured == [("LSTM", 64), ("LSTM", 128)]
    assert [(row.case["network"], row.hidden_size) for row in report.rows] == [
        ("GRU", 64), ("GRU", 128), ("LSTM", 64), ("LSTM", 128),
    ]  # fmt: skip
    assert report.rows[0] == measured({"network": "GRU", "hidden": 64})


def test_a_part_is_completed_later_and_reports_itself_alone(run):
    assert len(run(Counting(), ["network=GRU"]).rows) == 2
    suite = Counting()
    report = run(suite, ["hidden=64"])
    assert suite.measured == [("LSTM", 64)]
    assert [row.case["network"] for row in report.rows] == ["GRU", "LSTM"]


def test_figures_of_another_machine_are_not_gone_on_with(run, monkeypatch, tmp_path):
    run(Counting())
    monkeypatch.setattr(suites, "describe_machine", lambda: {"processor": "another"})
    with pytest.raises(InputError, match="holds figures of another machine"):
        run(Counting())
    (tmp_path / "out" / "rows.json").write_text("[]", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        run(Counting())


def test_a_folder_of_something_else_is_left_alone(run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    with pytest.raises(InputError, match="is not the folder of a suite"):
        run(Counting())


def test_rows_without_targets_show_times_and_the_floor():
    report = SuiteReport("matrix", (measured({"network": "GRU", "hidden": 64}),))
    assert report.met
    data = json.loads(report.to_json())["rows"][0]
    assert (data["percent_of_floor"], data["excess"]) == (50.0, None)
    from rich.console import Console

    console = Console(width=100)
    with console.capture() as capture:
        console.print(report.render())
    assert "4 µs, 50 %" in capture.get()


def test_pictures_of_each_network_at_its_simplest_call(tmp_path):
    rows = [
        measured({"network": network, "hidden": hidden, "batch": batch}, scheme=scheme)
        for network in ("GRU", "user's cell")
        for hidden in (64, 128)
        for batch in (1, 8)
        for scheme in ("float32", "int8")
    ]
    files = draw_suite(SuiteReport("matrix", tuple(rows)), tmp_path)
    names = {"latency-GRU.png", "pareto-GRU.png", "latency-user_s_cell.png", "pareto-user_s_cell.png"}
    assert {file.name for file in files} == names == {path.name for path in tmp_path.iterdir()}
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)
    assert draw_suite(SuiteReport("targets", (row(0.5),)), tmp_path) == []


@pytest.mark.slow
def test_the_matrix_measures_a_part(tmp_path):
    only = [
        "network=user's cell,forecast",
        "layers=1",
        "steps=1",
        "batch=8",
        "threads=1",
        "scheme=float32,int4",
    ]
    report = run_suite("matrix", rounds=1, only=[*only, "hidden=64"], out=tmp_path)
    assert [row.case["scheme"] for row in report.rows] == ["float32", "int4"]
    assert {row.ratio.to for row in report.rows} == {"default path"}
    assert report.rows[1].file_bytes < 0.5 * report.rows[0].file_bytes
    report = run_suite("matrix", rounds=1, only=["network=forecast", *only[1:]], out=tmp_path)
    assert {(row.case["network"], row.hidden_size) for row in report.rows} == {("forecast", 50)}
    assert not report.skipped


@pytest.mark.slow
def test_int8_measures_every_call_of_a_size():
    report = run_suite("int8", rounds=1, only=["hidden=64"])
    assert report.skipped == {}
    found = {(row.what, row.ratio.to) for row in report.rows}
    for cell in int8.CELLS:
        for call in ("Stream.push, 1 step", "Stream.push, 10 steps", "Session.run, 100 steps"):
            assert (f"{call}, {cell}, int8 ÷ float32", "float32") in found
    for choice in ("chunk 1", "onnxruntime ≥ 1.22", "chunk 1, onnxruntime ≥ 1.22"):
        assert (f"Stream.push, GRU, int8, {choice}", "default path") in found
    assert len(report.rows) == len(found) == 12
