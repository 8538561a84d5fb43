"""What a file computes in, which says how near to its network it must be."""

from __future__ import annotations

from edgernn.quantize import fp16
from edgernn.quantize.half import computes_in_half
from edgernn.runtime import Session


def computed_in(session: Session) -> str:
    """The dtype by which `tolerances` knows the file."""
    half = session.manifest.scheme == fp16.NAME and computes_in_half(session.path)
    return "float16" if half else "float32"
