"""Model-local ONNX functions of the domain `edgernn`: what quantized layers are called and stand for.

A runtime that has a kernel of the same domain and name runs that; any other inlines the body, which is plain
ONNX. The bodies widen weights by Cast and Mul, which onnxruntime folds when it loads the file, and which
DequantizeLinear, measured 2.4 × slower, is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

import onnx_ir as ir

from edgernn.quantize.body import CONTRIB, Body
from edgernn.quantize.kinds import kind_of
from edgernn.quantize.kinds.base import EDGERNN, R, V, W

DOMAIN = EDGERNN
VERSION = 1
# The attributes of recurrent nodes that kernels know.
ATTRIBUTES = frozenset({"direction", "hidden_size", "linear_before_reset", "activations", "cell_size"})
_LETTERS = {W: "W", R: "R", V: "V"}


@dataclass(frozen=True)
class Weights:
    """The inputs of a recurrent function, as its body reads them.

    Attributes:
        x: the node's input.
        matrices: the tensors that each matrix is stored as: W (directions, gates × hidden, features), and
            where the kind has them R (directions, gates × hidden, hidden) and V.
        rest: what the node has beyond X, W and R: B, sequence_lens, initial_h, …; None where it has none.
    """

    x: ir.Value
    matrices: tuple[tuple[ir.Value, ...], ...]
    rest: tuple[ir.Value | None, ...]

    @property
    def w(self) -> tuple[ir.Value, ...]:
        """The tensors of W."""
        return self.matrices[0]

    @property
    def r(self) -> tuple[ir.Value, ...]:
        """The tensors of R."""
        return self.matrices[1]

    def given(self, index: int) -> ir.Value | None:
        """Input `index` of the recurrent operator, of those in `rest`."""
        return self.rest[index - 3] if index - 3 < len(self.rest) else None


# Adds the nodes of a body, and gives its outputs.
WriteBody = Callable[[Body, Weights, ir.Node], Sequence[ir.Value]]
# Adds the nodes that make a float32 weight of the tensors that it is stored as.
Widen = Callable[[Body, Sequence[ir.Value]], ir.Value]


def recurrent_function(
    node: ir.Node,
    suffix: str,
    parts: Sequence[str],
    opset: int,
    write: WriteBody,
    own_attributes: Sequence[ir.Attr] = (),
) -> ir.Function:
    """The function of a recurrent node with quantized weights.

    Inputs, with int8's parts "int8" and "scale" for example: X, W_int8, W_scale, R_int8, R_scale, then what
    the node has beyond its matrices (B, sequence_lens, initial_h, …). Outputs and attributes are the node's,
    and the function's own. `write` makes the body.
    """
    kind, beyond = kind_of(node), rest_of(node)
    assert kind is not None
    x, rest = ir.val("X"), [ir.val(f"rest_{index}") for index in range(len(beyond))]
    matrices = tuple(tuple(ir.val(f"{_LETTERS[index]}_{part}") for part in parts) for index in kind.matrices)
    given = [inner if outer is not None else None for inner, outer in zip(rest, beyond, strict=True)]
    body = Body()
    outputs = list(write(body, Weights(x, matrices, tuple(given)), node))
    name = f"{node.op_type}_{suffix}{_activation(node)}"
    attributes = [*node.attributes.values(), *own_attributes]
    declared = [ir.Attr(attribute.name, attribute.type, None) for attribute in attributes]
    parts_of_matrices = [value for matrix in matrices for value in matrix]
    return make_function(name, [x, *parts_of_matrices, *rest], outputs, body, opset, declared)


def add_function(model: ir.Model, function: ir.Function) -> ir.Function:
    """Add a function to a model, unless one of its name and body is there, which is returned then.

    Bodies differ with the inputs that a node has, with its outputs, and with what operators need to know of
    sizes. The second body of a name gets a number behind it, and so on: few names in all, so that a library
    of kernels can know them without being told.
    """
    name = function.name
    for number in count(2):
        there = model.functions.get(function.identifier())
        if there is None:
            model.functions[function.identifier()] = function
            return function
        if ir.to_proto(there) == ir.to_proto(function):
            return there
        function.name = f"{name}_{number}"
    raise AssertionError


def rest_of(node: ir.Node) -> list[ir.Value | None]:
    """What a recurrent node has beyond X and its matrices, those at the end left out that it has not."""
    rest = list(node.inputs[3:V])
    while rest and rest[-1] is None:
        rest.pop()
    return rest


def _activation(node: ir.Node) -> str:
    """What a function's name tells of activations, because onnxruntime gives lists of texts to no kernel.

    The activation where it is not its kind's usual one; "other" where a node computes what no kernel knows.
    """
    kind = kind_of(node)
    assert kind is not None
    if not set(node.attributes) <= ATTRIBUTES:
        return "_other"
    activations = node.attributes.get("activations")
    if activations is None:
        return ""
    names = {name.lower() for name in activations.as_strings()}
    usual, *others = [name.lower() for name in kind.activations] or [""]
    if len(names) > 1 or not names <= {usual, *others}:
        return "_other"
    return "" if names == {usual} else f"_{names.pop()}"


def make_function(
    name: str,
    inputs: Sequence[ir.Value],
    outputs: Sequence[ir.Value],
    body: Body,
    opset: int,
    attributes: Sequence[ir.Attr] = (),
) -> ir.Function:
    """A function of the domain `edgernn`, with the attributes that it takes."""
    versions = {"": opset, CONTRIB: 1, DOMAIN: VERSION}
    imports = {domain: versions[domain] for domain in sorted(body.domains)}
    graph = ir.Graph(inputs, outputs, nodes=body.nodes, opset_imports=imports, name=name)
    return ir.Function(DOMAIN, name, graph=graph, attributes=attributes)


def folded(kind: str) -> WriteBody:
    """A body: the operator of ONNX on weights that onnxruntime widens when it loads the file."""

    def write(body: Body, weights: Weights, node: ir.Node) -> Sequence[ir.Value]:
        inputs = [weights.x, widen(body, kind, weights.w), widen(body, kind, weights.r), *weights.rest]
        return body.multi(node.op_type, inputs, len(node.outputs), attributes=references(node))

    return write


def widen(body: Body, kind: str, parts: Sequence[ir.Value]) -> ir.Value:
    """Call `widen_function`'s function."""
    return body.op(f"Weight_{kind}", *parts, domain=DOMAIN)


def references(node: ir.Node) -> list[ir.Attr]:
    """The node's attributes as a function's body reads them."""
    return [ir.RefAttr(name, name, attribute.type) for name, attribute in node.attributes.items()]


def widen_function(kind: str, parts: Sequence[str], opset: int, widen: Widen) -> ir.Function:
    """Parts → float32 weight: for weights that several nodes read, or nodes within bodies."""
    inputs = [ir.val(part) for part in parts]
    body = Body()
    wide = widen(body, inputs)
    return make_function(f"Weight_{kind}", inputs, [wide], body, opset)


def call(
    function: ir.Function,
    inputs: Sequence[ir.Value | None],
    like: ir.Node,
    own_attributes: Sequence[ir.Attr] = (),
) -> ir.Node:
    """A node that calls a function in the place of `like`, with attributes beyond those that `like` has."""
    return ir.Node(
        DOMAIN,
        function.name,
        inputs,
        attributes=[*like.attributes.values(), *own_attributes],
        num_outputs=len(like.outputs),
        name=like.name,
    )


def inline(model: ir.Model) -> None:
    """Replace every call of a function by its body, for runtimes that know no functions; in place."""
    from onnx_ir.passes.common import InlinePass

    InlinePass()(model)
