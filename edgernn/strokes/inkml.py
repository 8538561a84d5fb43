"""InkML, the W3C's format of pen strokes, to drawings and back.

Read are the traces that the pen made while it touched, in groups or not, their channels X, Y and T by the
file's trace format, and values that are written as differences. Source: https://www.w3.org/TR/InkML/.

A file is untrusted: it may declare no document type, so no entities that could grow or name other files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from edgernn.errors import InputError
from edgernn.strokes.drawing import Drawing

NAMESPACE = "http://www.w3.org/2003/InkML"

# A number, and perhaps a sign before it: ! it is the value, ' a difference, " a difference of differences.
_VALUE = re.compile(r"([!'\"]?)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*")
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "": 1e-3}


@dataclass
class _Ink:
    """What a file holds."""

    channels: list[tuple[str, str]] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    formats: int = 0


def parse_inkml(data: bytes, where: str) -> tuple[Drawing, dict[str, str]]:
    """The drawing of an InkML file, and its annotations by their type, e.g. "truth" or "writer".

    Args:
        data: the file.
        where: names it in messages.

    Raises:
        InputError: it is no InkML, declares a document type, or holds no points, or ones that cannot be read.
    """
    ink = _events(data, where)
    if ink.formats > 1:
        raise InputError(
            f"{where}: it declares {ink.formats} trace formats; one for all traces is what can be read."
        )
    names = [name for name, _ in ink.channels] or ["X", "Y"]
    if "X" not in names or "Y" not in names:
        raise InputError(f"{where}: its traces have the channels {', '.join(names)}; X and Y are needed.")
    if not ink.traces:
        raise InputError(f"{where}: it holds no trace, so nothing was written.")
    columns, scales = [names.index("X"), names.index("Y")], [1.0, 1.0]
    if "T" in names:
        unit = ink.channels[names.index("T")][1]
        if unit not in _SECONDS:
            raise InputError(f"{where}: the unit {unit!r} of channel T is none of s, ms and us.")
        columns.append(names.index("T"))
        scales.append(_SECONDS[unit])
    strokes = []
    for number, text in enumerate(ink.traces, start=1):
        values = _trace(text, len(names), f"{where}: trace {number}")
        strokes.append(np.array(values)[:, columns] * scales)
    try:
        return Drawing(strokes), ink.annotations
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def format_inkml(drawing: Drawing, annotations: dict[str, str] | None = None) -> str:
    """A drawing as InkML, with annotations by their type, e.g. {"truth": "hello", "writer": "anna"}."""
    timed = all(stroke.shape[1] == 3 for stroke in drawing.strokes)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<ink xmlns="{NAMESPACE}">']
    lines += [
        "  <traceFormat>",
        '    <channel name="X" type="decimal"/>',
        '    <channel name="Y" type="decimal"/>',
    ]
    lines += ['    <channel name="T" type="decimal" units="s"/>'] if timed else []
    lines += ["  </traceFormat>"]
    for name, text in (annotations or {}).items():
        lines.append(f"  <annotation type={quoteattr(name)}>{escape(text)}</annotation>")
    for stroke in drawing.strokes:
        rows = stroke if timed else stroke[:, :2]
        lines.append(
            "  <trace>" + ", ".join(" ".join(f"{value:.9g}" for value in row) for row in rows) + "</trace>"
        )
    return "\n".join([*lines, "</ink>", ""])


def _events(data: bytes, where: str) -> _Ink:
    """Read the XML; text outside traces and annotations of the file itself is passed over."""
    ink = _Ink()
    path: list[str] = []
    text: list[str] = []
    kind = ""

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal kind
        tag = name.rpartition(" ")[2]
        if not path and tag != "ink":
            raise InputError(f"{where}: its first element is <{tag}>, so it is no InkML, where it is <ink>.")
        path.append(tag)
        text.clear()
        kind = attributes.get("type", "")
        if tag == "traceFormat":
            ink.formats += 1
        elif tag in ("channel", "intermittentChannels") and tag == "channel":
            ink.channels.append((attributes.get("name", ""), attributes.get("units", "")))

    def end(name: str) -> None:
        tag = path.pop()
        if tag == "trace" and kind != "penUp":
            ink.traces.append("".join(text))
        elif tag == "annotation" and path == ["ink"]:
            ink.annotations[kind] = "".join(text).strip()

    def refuse(*_: object) -> None:
        raise InputError(f"{where}: it declares a document type, as InkML does not; such files are not read.")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text.append
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{where}: it is no XML, as InkML is ({error}).") from error
    return ink


def _trace(text: str, channels: int, where: str) -> list[list[float]]:
    """The values of a trace's points, differences summed up."""
    kinds, last, change = ["!"] * channels, [0.0] * channels, [0.0] * channels
    points: list[list[float]] = []
    for point in filter(None, map(str.strip, text.split(","))):
        values = _VALUE.findall(point)
        if "".join(sign + number for sign, number in values) != "".join(point.split()):
            raise InputError(
                f"{where}: {point!r} is no point; numbers and the signs ! ' \" are what can be read."
            )
        if len(values) != channels:
            raise InputError(
                f"{where}: {point!r} has {len(values)} values, and points have {channels} channels."
            )
        row = []
        for channel, (sign, number) in enumerate(values):
            kinds[channel] = sign or kinds[channel]
            value = float(number)
            if kinds[channel] == '"':
                change[channel] += value
                last[channel] += change[channel]
            elif kinds[channel] == "'":
                change[channel] = value
                last[channel] += value
            else:
                last[channel] = value
            row.append(last[channel])
        points.append(row)
    if not points:
        raise InputError(f"{where}: it holds no points.")
    return points
