"""A C++17 program on onnxruntime's C API, whose own code allocates nothing in a push."""

from __future__ import annotations

from edgernn.bundle import names
from edgernn.bundle.app import App, AppModel, Files, shape_text
from edgernn.bundle.describe import Tensor
from edgernn.bundle.render import render

RUNTIME = "onnxruntime (C API), CMake"
NEXT = ("cmake -S . -B build -DORT_ROOT=/path/to/onnxruntime && cmake --build build", "build/app --check")

_ELEMENT = {"float32": "FLOAT", "float64": "DOUBLE"}
_C_TYPES = {"float32": "float", "float64": "double", "bool": "std::uint8_t"}


def files(app: App) -> Files:
    """See `Target.files`."""
    made = render("cpp", app.values())
    made["streams.hpp"] = _streams(app).encode()
    return made | app.files("models")


def _streams(app: App) -> str:
    classes = "".join(_class(model) for model in app.models)
    specs = ", ".join(f"&{model.class_name}::spec()" for model in app.models)
    return (
        "// A stream class for each model of this app; made from the models, see README.md.\n"
        '#pragma once\n\n#include "stream.hpp"\n'
        f"{classes}\n"
        "/// Every model of this app.\n"
        "inline const std::vector<const edge::ModelSpec*>& all_models() {\n"
        f"  static const std::vector<const edge::ModelSpec*> all = {{{specs}}};\n"
        "  return all;\n}\n"
    )


def _class(model: AppModel) -> str:
    about = model.description
    several = len(about.outputs) > 1
    answer = f"{names.camel(model.name)}Outputs" if several else _view(about.outputs[0])
    lines = [""]
    if several:
        lines += [
            f"/// What a push of {model.class_name} gives; it holds until the next push.",
            f"struct {answer} {{",
        ]
        lines += [
            f"  {_view(item)} {name};  // {shape_text(item)}"
            for name, item in zip(model.results, about.outputs, strict=True)
        ]
        lines += ["};", ""]
    lines += [
        f"/// A stream of the model {model.name}.",
        f"class {model.class_name} : public edge::Stream {{",
        " public:",
        f"  explicit {model.class_name}(const edge::Model& model) : Stream(model) {{}}",
        "",
        *_spec(model),
        "",
        "  /// Run the next chunk; arrays are flat, in row-major order.",
    ]
    lines += [
        f"  /// {name}: {item.dtype}, {shape_text(item)}"
        for name, item in zip(model.arguments, about.inputs, strict=True)
    ]
    if not several:
        lines.append(f"  /// Gives {shape_text(about.outputs[0])}, which hold until the next push.")
    parameters = ", ".join(
        f"const {_c_type(item.dtype)}* {name}"
        for name, item in zip(model.arguments, about.inputs, strict=True)
    )
    views = ", ".join(f"output<{_c_type(item.dtype)}>({index})" for index, item in enumerate(about.outputs))
    lines += [
        f"  {answer} push({parameters}, std::int64_t steps = {about.steps}) {{",
        f"    const void* const given[] = {{{', '.join(model.arguments)}}};",
        "    push_all(given, steps);",
        f"    return {{{views}}};" if several else f"    return {views};",
        "  }",
        "};",
    ]
    return "\n".join([*lines, ""])


def _spec(model: AppModel) -> list[str]:
    """The function with all that is known of the model."""
    about = model.description
    literal = names.octal
    lines = [
        "  static const edge::ModelSpec& spec() {",
        "    static const edge::ModelSpec known = {",
        f"        {literal(model.name)}, {literal(about.file)},",
        f"        {literal(about.sha256)},",
        f"        {about.chunk}, {about.hop}, {about.steps}, {about.sample_rate!r},",
        f"        {{{', '.join(literal(label) for label in about.labels)}}},",
    ]
    for items in (about.inputs, about.outputs):
        lines.append("        {")
        lines += [
            f"            {{{literal(item.name)}, {_element(item.dtype)}, {_shape(item.shape)}, "
            f"{item.time_dim}, {item.hop}, {item.upsampling}, {item.delay}}},"
            for item in items
        ]
        lines.append("        },")
    lines.append("        {")
    lines += [
        f"            {{{literal(item.input)}, {literal(item.output)}, {_element(item.dtype)}, "
        f"{_shape(item.shape)}}},"
        for item in about.states
    ]
    return [*lines, "        },", "    };", "    return known;", "  }"]


def _element(dtype: str) -> str:
    return f"ONNX_TENSOR_ELEMENT_DATA_TYPE_{_ELEMENT.get(dtype, dtype.upper())}"


def _c_type(dtype: str) -> str:
    return _C_TYPES.get(dtype, f"std::{dtype}_t")


def _view(item: Tensor) -> str:
    return f"edge::View<{_c_type(item.dtype)}>"


def _shape(shape: tuple[int, ...]) -> str:
    return f"{{{', '.join(map(str, shape))}}}"
