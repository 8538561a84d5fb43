"""A Kotlin app for Android, with a microphone where the model takes a waveform."""

from __future__ import annotations

from edgernn.bundle import names
from edgernn.bundle.app import App, AppModel, Files, require_dtypes, shape_text
from edgernn.bundle.describe import Tensor
from edgernn.bundle.render import render

RUNTIME = "onnxruntime-android (Gradle)"
NEXT = ("gradle assembleDebug", "adb install app/build/outputs/apk/debug/app-debug.apk")

_SOURCES = "app/src/main/kotlin/edge"
_TYPES = {
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "int8": "INT8",
    "uint8": "UINT8",
    "int16": "INT16",
    "int32": "INT32",
    "int64": "INT64",
    "bool": "BOOL",
}


def files(app: App) -> Files:
    """See `Target.files`."""
    require_dtypes(app, "android", tuple(_TYPES))
    first = app.models[0]
    values = app.values() | {
        "package_name": app.name.replace("_", "-"),
        "android_name": app.name.replace("_", ""),
        "first_kotlin_arguments": ", ".join(names.lower_camel(name) for name in first.arguments),
    }
    made = render("android", values)
    made[f"{_SOURCES}/Streams.kt"] = _streams(app).encode()
    return made | app.files("app/src/main/assets/models")


def _streams(app: App) -> str:
    specs = ", ".join(f"{model.class_name}.spec" for model in app.models)
    head = (
        "package edge\n\nimport ai.onnxruntime.OnnxJavaType\n\n"
        "// A stream class for each model of this app; made from the models, see README.md.\n"
    )
    classes = "".join(_class(model) for model in app.models)
    every = f"/** Every model of this app. */\nval allModels: List<ModelSpec> = listOf({specs})\n"
    return f"{head}{classes}\n{every}"


def _class(model: AppModel) -> str:
    about = model.description
    arguments = [names.lower_camel(name) for name in model.arguments]
    results = [names.lower_camel(name) for name in model.results]
    several = len(results) > 1
    answer = f"{names.camel(model.name)}Outputs" if several else _array(about.outputs[0])
    lines = [""]
    if several:
        fields = [
            f"    val {name}: {_array(item)}, // {shape_text(item)}"
            for name, item in zip(results, about.outputs, strict=True)
        ]
        lines += [f"/** What a push of [{model.class_name}] gives. */", f"class {answer}(", *fields, ")", ""]
    parameters = ", ".join(
        f"{name}: {_array(item)}" for name, item in zip(arguments, about.inputs, strict=True)
    )
    given = ", ".join(_encoded(name, item) for name, item in zip(arguments, about.inputs, strict=True))
    taken = ", ".join(_decoded(f"outputs[{index}]", item) for index, item in enumerate(about.outputs))
    said = [
        f"     * {name}: {item.dtype}, {shape_text(item)}"
        for name, item in zip(arguments, about.inputs, strict=True)
    ]
    return "\n".join([
        *lines,
        f"/** A stream of the model {model.name}. */",
        f"class {model.class_name}(model: Model) : Stream(model) {{",
        "    /**",
        "     * Run the next chunk; arrays are flat, in row-major order.",
        "     *",
        *said,
        "     */",
        f"    fun push({parameters}): {answer} {{",
        f"        val outputs = pushAll(listOf({given}))",
        f"        return {answer}({taken})" if several else f"        return {taken}",
        "    }",
        "",
        "    companion object {",
        *_spec(model),
        "    }",
        "}",
        "",
    ])  # fmt: skip


def _spec(model: AppModel) -> list[str]:
    """The value with all that is known of the model."""
    about = model.description
    literal = names.kotlin
    lines = [
        "        val spec = ModelSpec(",
        f"            name = {literal(model.name)},",
        f"            file = {literal(about.file)},",
        f"            sha256 = {literal(about.sha256)},",
        f"            chunk = {about.chunk},",
        f"            hop = {about.hop},",
        f"            steps = {about.steps},",
        f"            sampleRate = {about.sample_rate!r},",
        f"            labels = listOf({', '.join(literal(label) for label in about.labels)}),",
    ]
    for name, items in (("inputs", about.inputs), ("outputs", about.outputs)):
        lines.append(f"            {name} = listOf(")
        lines += [
            f"                TensorSpec({literal(item.name)}, OnnxJavaType.{_TYPES[item.dtype]}, "
            f"{_shape(item.shape)}, {item.time_dim}, {item.hop}, {item.upsampling}, {item.delay}),"
            for item in items
        ]
        lines.append("            ),")
    lines.append("            states = listOf(")
    lines += [
        f"                StateSpec({literal(item.input)}, {literal(item.output)}, "
        f"OnnxJavaType.{_TYPES[item.dtype]}, {_shape(item.shape)}),"
        for item in about.states
    ]
    return [*lines, "            ),", "        )"]


def _shape(shape: tuple[int, ...]) -> str:
    return f"longArrayOf({', '.join(map(str, shape))})"


def _array(item: Tensor) -> str:
    return "FloatArray" if item.dtype == "float32" else "DoubleArray"


def _encoded(name: str, item: Tensor) -> str:
    return (
        f"encode({name})" if item.dtype == "float32" else f"encode({name}, OnnxJavaType.{_TYPES[item.dtype]})"
    )


def _decoded(name: str, item: Tensor) -> str:
    if item.dtype == "float32":
        return f"decodeFloats({name})"
    return f"decode({name}, OnnxJavaType.{_TYPES[item.dtype]})"
