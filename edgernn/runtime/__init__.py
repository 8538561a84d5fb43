"""Running exported files: sessions, streams and pools, on numpy and onnxruntime alone.

`load` opens a file, `Session.run` runs it on whole arrays, `Session.stream` keeps its states between chunks,
and `Session.pool` shares one batched call between many streams. `CTCDecoder` makes text of a recogniser's
output, beside a language model where a `LanguageScorer` asks one. `load_network` opens a folder of several
graphs, and `Seq2SeqDecoder` writes with an encoder and a decoder.
"""

from __future__ import annotations

from edgernn.ctc import CTCDecoder
from edgernn.runtime.language_scorer import LanguageScorer
from edgernn.runtime.network import Network, load_network
from edgernn.runtime.pool import StreamPool
from edgernn.runtime.seq2seq import Seq2SeqDecoder
from edgernn.runtime.session import Session, load
from edgernn.runtime.snapshot import Snapshot
from edgernn.runtime.stream import Stream

__all__ = [
    "CTCDecoder", "LanguageScorer", "Network", "Seq2SeqDecoder", "Session", "Snapshot", "Stream",
    "StreamPool", "load", "load_network",
]  # fmt: skip
