"""A Swift package for iOS and the Mac, with a stream class and a check for the command line."""

from __future__ import annotations

from edgernn.bundle import names
from edgernn.bundle.app import App, AppModel, Files, require_dtypes, shape_text
from edgernn.bundle.render import render

RUNTIME = "onnxruntime-objc (Swift package)"
NEXT = ("swift build", "swift run App --check")

# What onnxruntime's Objective-C binding hands over, and Swift's name of each.
_TYPES = {"float32": "Float", "int8": "Int8", "uint8": "UInt8", "int32": "Int32", "int64": "Int64"}


def files(app: App) -> Files:
    """See `Target.files`."""
    require_dtypes(app, "ios", tuple(_TYPES))
    first = app.models[0]
    values = app.values() | {
        "swift_name": names.camel(app.name),
        "first_swift_arguments": ", ".join(
            f"{name}: {name}" for name in map(names.lower_camel, first.arguments)
        ),
    }
    made = render("ios", values)
    made["Sources/Streams/Streams.swift"] = _streams(app).encode()
    return made | app.files("Sources/Streams/Resources/models")


def _streams(app: App) -> str:
    specs = ", ".join(f"{model.class_name}.spec" for model in app.models)
    head = (
        "// A stream class for each model of this package; made from the models, see README.md.\n"
        "import Foundation\n"
    )
    classes = "".join(_class(model) for model in app.models)
    return (
        f"{head}{classes}\n/// Every model of this package.\npublic let allModels: [ModelSpec] = [{specs}]\n"
    )


def _class(model: AppModel) -> str:
    about = model.description
    arguments = [names.lower_camel(name) for name in model.arguments]
    results = [names.lower_camel(name) for name in model.results]
    kinds = [f"[{_TYPES[item.dtype]}]" for item in about.outputs]
    several = len(results) > 1
    pairs = ", ".join(f"{name}: {kind}" for name, kind in zip(results, kinds, strict=True))
    parameters = ", ".join(
        f"{name}: [{_TYPES[item.dtype]}]" for name, item in zip(arguments, about.inputs, strict=True)
    )
    taken = ", ".join(
        f"decode(outputs[{index}], as: {_TYPES[item.dtype]}.self)" for index, item in enumerate(about.outputs)
    )
    said = [
        f"    /// - {name}: {item.dtype}, {shape_text(item)}"
        for name, item in zip(arguments, about.inputs, strict=True)
    ]
    return "\n".join([
        "",
        f"/// A stream of the model {model.name}.",
        f"public final class {model.class_name}: ModelStream {{",
        "    /// Run the next chunk; arrays are flat, in row-major order.",
        *said,
        f"    public func push({parameters}) throws -> {f'({pairs})' if several else kinds[0]} {{",
        f"        let outputs = try pushAll([{', '.join(f'encode({name})' for name in arguments)}])",
        f"        return {f'({taken})' if several else taken}",
        "    }",
        "",
        *_spec(model),
        "}",
        "",
    ])  # fmt: skip


def _spec(model: AppModel) -> list[str]:
    """The value with all that is known of the model."""
    about = model.description
    literal = names.swift
    lines = [
        "    public static let spec = ModelSpec(",
        f"        name: {literal(model.name)},",
        f"        file: {literal(about.file)},",
        f"        sha256: {literal(about.sha256)},",
        f"        chunk: {about.chunk},",
        f"        hop: {about.hop},",
        f"        steps: {about.steps},",
        f"        sampleRate: {about.sample_rate!r},",
        f"        labels: [{', '.join(literal(label) for label in about.labels)}],",
    ]
    for name, items in (("inputs", about.inputs), ("outputs", about.outputs)):
        lines.append(f"        {name}: [")
        lines += [
            f"            TensorSpec(name: {literal(item.name)}, type: .{item.dtype}, "
            f"shape: {list(item.shape)}, timeDim: {item.time_dim}, hop: {item.hop}, "
            f"upsampling: {item.upsampling}, delay: {item.delay}),"
            for item in items
        ]
        lines.append("        ],")
    lines.append("        states: [")
    lines += [
        f"            StateSpec(input: {literal(item.input)}, output: {literal(item.output)}, "
        f"type: .{item.dtype}, shape: {list(item.shape)}),"
        for item in about.states
    ]
    return [*lines, "        ]", "    )"]
