"""What the rules of several providers have in common.

Each function gives None where a node is fine, else why not and what would change that, so that a provider
joins them with `or`: the first objection is told.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from edgernn.placement.nodes import Node, Tensor

RECURRENT = frozenset({"RNN", "LSTM", "GRU"})
BODIES = frozenset({"Scan", "Loop", "If"})

UNROLL = "export with --recurrence unrolled and --length N, or --streaming --chunk N"
FIX_BATCH, FIX_TIME = "--fix-batch", "--length N (streaming: --chunk N)"
PLAIN_SCHEME = "quantize with --scheme fp16, or with int8-static from an unrolled file"
REPLACE = "write the model without it, or accept that it runs on the CPU"

# The activations of a recurrent operator where none are given, direction by direction.
_DEFAULT_ACTIVATIONS = {
    "RNN": ("tanh",),
    "GRU": ("sigmoid", "tanh"),
    "LSTM": ("sigmoid", "tanh", "tanh"),
}


@dataclass(frozen=True)
class Refusal:
    """Why a provider does not take a node, and what would change that."""

    reason: str
    remedy: str


@dataclass(frozen=True)
class Form:
    """How to export for a provider.

    Attributes:
        recurrences: forms of the recurrence, the first that every layer of the network has is taken.
        fixed: whether batch and time must be fixed.
        notes: what no rule about single nodes can say.
    """

    recurrences: tuple[str, ...] = ("auto",)
    fixed: bool = False
    notes: tuple[str, ...] = ()


def names(text: str) -> frozenset[str]:
    """Operators, separated by blanks."""
    return frozenset(text.split())


def operator(node: Node) -> str:
    """The operator's name, with its domain where it is not ONNX's own."""
    return f"{node.domain}.{node.op}" if node.domain else node.op


def known(node: Node, operators: Collection[str]) -> Refusal | None:
    """The operator is one of those that the provider has."""
    return None if operator(node) in operators else no_operator(node)


def lacks(node: Node, operators: Collection[str]) -> Refusal | None:
    """The operator is ONNX's own and none of those that the provider has not."""
    return no_operator(node) if node.domain or node.op in operators else None


def no_operator(node: Node) -> Refusal:
    """It has no such operator."""
    if node.op in RECURRENT or node.op in ("Scan", "Loop"):
        remedy = UNROLL
    elif node.domain == "com.microsoft" or node.op.startswith(("MatMulInteger", "DynamicQuantize")):
        remedy = PLAIN_SCHEME
    else:
        remedy = REPLACE
    return Refusal(f"it has no {operator(node)}", remedy)


def main_graph(node: Node) -> Refusal | None:
    """The node stands in no body of a Scan, Loop or If."""
    if not node.body_of:
        return None
    remedy = UNROLL if node.body_of != "If" else "export with a fixed --chunk"
    return Refusal(f"it stands in the body of a node {node.body_of}", remedy)


def fixed_shapes(node: Node) -> Refusal | None:
    """Every dimension of what the node reads and writes is a number."""
    free: set[str] = set()
    for tensor in (*node.inputs, *node.outputs):
        if tensor is None or tensor.fixed:
            continue
        if tensor.shape is None:
            return Refusal("a shape that is not known beforehand", f"export with {FIX_BATCH} {FIX_TIME}")
        free |= {size for size in tensor.shape if isinstance(size, str)}
    if not free:
        return None
    wanted = [FIX_BATCH] * (free != {"time"}) + [FIX_TIME] * (free != {"batch"})
    return Refusal(f"free dimensions: {', '.join(sorted(free))}", f"export with {' '.join(wanted)}")


def constant(node: Node, operators: Collection[str], *positions: int) -> Refusal | None:
    """Of these operators, the inputs at these places are constants where they are given."""
    if node.op not in operators:
        return None
    for position in positions:
        if node.has_input(position) and not _at(node, position).constant:
            return Refusal(f"input {position} of {node.op} is computed, not a constant", REPLACE)
    return None


def dimensions(node: Node, operators: Collection[str], allowed: Collection[int]) -> Refusal | None:
    """Of these operators, the first input has so many dimensions."""
    if node.op not in operators or not node.has_input(0):
        return None
    shape = _at(node, 0).shape
    if shape is None or len(shape) in allowed:
        return None
    words = " or ".join(str(number) for number in sorted(allowed))
    return Refusal(f"{node.op} of {len(shape)} dimensions; it takes {words}", REPLACE)


def most_dimensions(node: Node, most: int) -> Refusal | None:
    """No tensor has more dimensions than the provider takes."""
    for tensor in (*node.inputs, *node.outputs):
        if tensor is not None and tensor.shape is not None and len(tensor.shape) > most:
            return Refusal(f"{tensor.name} has more than {most} dimensions", REPLACE)
    return None


def plain_recurrent(
    node: Node,
    *,
    activations: Collection[str] | None = None,
    reset_after_only: bool = False,
    peepholes: bool = False,
    lengths: bool = True,
) -> Refusal | None:
    """A recurrent operator is used as the provider's own layer computes it.

    Args:
        node: any node; others than recurrent ones are fine.
        activations: lower-case names that it takes; None: the operator's default ones alone.
        reset_after_only: whether a GRU must have linear_before_reset=1.
        peepholes: whether an LSTM may have them.
        lengths: whether sequence_lens may be computed.
    """
    if node.op not in RECURRENT:
        return None
    given = node.attributes
    if given.get("layout"):
        return Refusal(f"{node.op} with layout=1", "export with edgernn, which writes layout=0")
    if given.get("clip") is not None or given.get("input_forget"):
        what = "clip" if given.get("clip") is not None else "input_forget"
        return Refusal(f"{node.op} with {what}", UNROLL)
    default = _DEFAULT_ACTIVATIONS[node.op]
    found = [str(name).lower() for name in given.get("activations", default)]
    allowed = activations is None and found == list(default) * (len(found) // len(default))
    if not (allowed or (activations is not None and set(found) <= set(activations))):
        return Refusal(f"{node.op} with activations {', '.join(found)}", UNROLL)
    if reset_after_only and node.op == "GRU" and not given.get("linear_before_reset"):
        return Refusal(
            "GRU with linear_before_reset=0",
            "train a GRU whose reset gate comes after the product, as torch.nn.GRU has it "
            "(edgernn.GRU(reset_after=True)), or export with --recurrence scan, its gates split",
        )
    if node.op == "LSTM" and node.has_input(7) and not peepholes:
        return Refusal("LSTM with peepholes", UNROLL)
    if not lengths and node.has_input(4) and not _at(node, 4).constant:
        return Refusal(f"{node.op} with lengths that are an input", "export the model without lengths")
    return None


def _at(node: Node, position: int) -> Tensor:
    tensor = node.inputs[position]
    assert tensor is not None
    return tensor
