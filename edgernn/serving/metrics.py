"""What a server counts, in Prometheus' format."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Metrics:
    """Counters of one server; each has a registry of its own, so that several fit into a process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.streams = Gauge("edgernn_streams", "Open streams", registry=self.registry)
        self.messages = Counter("edgernn_messages", "Messages answered", registry=self.registry)
        self.steps = Counter("edgernn_steps", "Time steps computed for streams", registry=self.registry)
        self.sequences = Counter("edgernn_sequences", "Whole sequences answered", registry=self.registry)
        self.refused = Counter(
            "edgernn_refused", "Clients or messages refused", ["reason"], registry=self.registry
        )
        self.latency = Histogram(
            "edgernn_latency_seconds",
            "From a whole message to its answer, before it is sent",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.rows = Histogram(
            "edgernn_rows", "Streams that shared a call", buckets=_ROWS, registry=self.registry
        )

    def text(self) -> bytes:
        """What `/metrics` answers."""
        return generate_latest(self.registry)
