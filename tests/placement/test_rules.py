"""What each provider's rules say of single nodes."""

from __future__ import annotations

from typing import Any

import pytest

from edgernn.errors import ProviderError
from edgernn.placement import known, rules_of
from edgernn.placement.nodes import Node, Tensor
from edgernn.runtime import providers

Shape = tuple[int | str, ...]


def tensor(*shape: int | str, constant: bool = False, dtype: str = "float32") -> Tensor:
    return Tensor("t", dtype, shape, constant)


def node(op: str, *inputs: Tensor | None, domain: str = "", body_of: str = "", **attributes: Any) -> Node:
    return Node("n", op, domain, attributes, inputs, (tensor(1, 4),), body_of)


def recurrent(op: str, batch: int | str = 1, steps: int | str = 5, **attributes: Any) -> Node:
    """A recurrent node with all that edgernn gives it: X, W, R, B."""
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[op]
    return node(
        op,
        tensor(steps, batch, 3),
        tensor(1, gates * 4, 3, constant=True),
        tensor(1, gates * 4, 4, constant=True),
        tensor(1, 2 * gates * 4, constant=True),
        **({"linear_before_reset": 1} if op == "GRU" else {}) | attributes,
    )


def with_inputs(base: Node, *more: Tensor | None) -> Node:
    return Node(base.name, base.op, base.domain, base.attributes, (*base.inputs, *more), base.outputs)


def test_every_provider_has_its_rules() -> None:
    assert known() == providers.known()
    for name in known():
        rules = rules_of(name)
        assert rules.SOURCE
        assert rules.FORM.recurrences
        # Plain arithmetic on fixed shapes is what every accelerator is for.
        assert name == "xnnpack" or rules.judge(node("Add", tensor(1, 4), tensor(1, 4))) is None


def test_a_typo_gets_a_suggestion() -> None:
    with pytest.raises(ProviderError, match=r"unknown provider 'core-ml'\. Did you mean 'coreml'"):
        rules_of("core-ml")


def takers(item: Node) -> set[str]:
    return {name for name in known() if rules_of(name).judge(item) is None}


ALL = set(known())
FIXED_ONLY = {"coreml", "nnapi", "qnn", "webnn", "xnnpack"}
NO_RECURRENCE = {"coreml", "nnapi", "xnnpack"}


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        (recurrent("LSTM"), ALL - NO_RECURRENCE),
        (recurrent("LSTM", batch="batch"), ALL - FIXED_ONLY),
        (recurrent("GRU"), ALL - NO_RECURRENCE),
        (recurrent("GRU", linear_before_reset=0), ALL - NO_RECURRENCE - {"cuda"}),
        (recurrent("RNN"), ALL - NO_RECURRENCE - {"qnn", "webgpu", "webnn"}),
        (recurrent("RNN", activations=["Relu"]), {"cpu", "directml", "openvino", "tensorrt"}),
        (recurrent("GRU", clip=1.0), {"cpu"}),
        (recurrent("GRU", layout=1), set()),
        (
            with_inputs(recurrent("LSTM"), None, None, None, tensor(1, 12, constant=True)),
            {"cpu", "directml", "qnn", "tensorrt", "webgpu", "webnn"},
        ),
        (with_inputs(recurrent("LSTM"), tensor(1, dtype="int32")), ALL - NO_RECURRENCE - {"qnn", "webnn"}),
        (node("Scan", tensor(1, 4)), {"cpu", "cuda", "tensorrt"}),
        (node("Loop", tensor(1, 4)), {"cpu", "cuda", "tensorrt"}),
        (node("If", tensor(1, dtype="bool")), {"cpu", "cuda", "tensorrt", "webgpu"}),
        (node("Add", tensor(1, 4), body_of="Scan"), {"cpu", "cuda", "openvino", "tensorrt"}),
        (node("Gather", tensor(5, 4), tensor(constant=True)), ALL - {"coreml", "xnnpack"}),
        (node("MatMul", tensor(2, 4), tensor(4, 4, constant=True)), ALL),
        (node("MatMul", tensor(5, 2, 4), tensor(4, 4, constant=True)), ALL - {"xnnpack"}),
        (node("Gemm", tensor(2, 4), tensor(4, 4)), ALL - {"coreml", "xnnpack"}),
        (node("Softmax", tensor(2, 4), axis=-1), ALL),
        (node("Softmax", tensor(2, 4), axis=0), ALL - {"xnnpack"}),
        (node("Conv", tensor(1, 3, 9), tensor(4, 3, 3, constant=True)), ALL - {"nnapi", "xnnpack"}),
        (node("Slice", tensor(1, 4), tensor(1), tensor(1)), ALL - {"coreml", "webnn", "xnnpack"}),
        (node("Reshape", tensor(1, 4), tensor(2)), ALL - {"nnapi", "webnn", "xnnpack"}),
        (node("Add", tensor(1, 1, 1, 1, 1, 4), tensor(1)), ALL - {"coreml", "xnnpack"}),
        (node("DynamicQuantizeLSTM", domain="com.microsoft"), {"cpu"}),
        (node("MatMulInteger", tensor(1, 4, dtype="uint8")), {"cpu", "directml", "openvino", "webnn"}),
        (node("MatMulInteger", tensor(1, 4, dtype="int8")), {"cpu", "cuda", "directml", "openvino", "webnn"}),
        (node("Mine", tensor(1), domain="my.domain"), set()),
        (recurrent("GRU").__class__("n", "GRU", "", {}, (tensor(5, 1, 3, dtype="float16"),), ()), None),
    ],
)
def test_who_takes_what(item: Node, wanted: set[str] | None) -> None:
    if wanted is None:
        assert "cpu" not in takers(item)
    else:
        assert takers(item) == wanted


@pytest.mark.parametrize(
    ("name", "item", "reason", "remedy"),
    [
        ("nnapi", recurrent("LSTM"), "it has no LSTM", "--recurrence unrolled"),
        ("qnn", recurrent("LSTM", batch="batch"), "free dimensions: batch", "export with --fix-batch"),
        ("qnn", recurrent("LSTM", steps="time"), "free dimensions: time", "export with --length N"),
        ("webnn", recurrent("GRU", "batch", "time"), "batch, time", "--fix-batch --length N"),
        ("cuda", recurrent("GRU", linear_before_reset=0), "linear_before_reset=0", "its gates split"),
        ("directml", node("Add", tensor(1), body_of="Scan"), "in the body of a node Scan", "unrolled"),
        ("cuda", node("DynamicQuantizeLSTM", domain="com.microsoft"), "com.microsoft.", "--scheme fp16"),
        ("cpu", node("Mine", domain="my.domain"), "custom operator", "register the library"),
    ],
)
def test_the_reason_and_what_helps(name: str, item: Node, reason: str, remedy: str) -> None:
    refusal = rules_of(name).judge(item)
    assert refusal is not None
    assert reason in refusal.reason
    assert remedy in refusal.remedy
