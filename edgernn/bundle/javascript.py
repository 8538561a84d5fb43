"""What the targets node and web share: stream classes in JavaScript, with types."""

from __future__ import annotations

from edgernn.bundle import names
from edgernn.bundle.app import App, AppModel, Files, shape_text
from edgernn.bundle.render import render


def shared_files(app: App) -> Files:
    """The streams of the app's models, in JavaScript."""
    made = render("javascript", app.values())
    made["streams.mjs"] = _streams(app).encode()
    made["streams.d.mts"] = _types(app).encode()
    return made


def values(app: App) -> dict[str, str]:
    """What the templates of both targets may name."""
    first = app.models[0]
    return {
        **app.values(),
        "package_name": app.name.replace("_", "-"),
        "first_js_arguments": ", ".join(names.lower_camel(name) for name in first.arguments),
        "page_title": app.title,
    }


def _streams(app: App) -> str:
    table = ", ".join(f"{model.name}: {model.class_name}" for model in app.models)
    head = "// A stream class for each model of this app; made from the models, see README.md.\n"
    classes = "".join(_class(model) for model in app.models)
    return (
        f"{head}import {{ Stream }} from './runtime.mjs';\n{classes}\nexport const STREAMS = {{ {table} }};\n"
    )


def _class(model: AppModel) -> str:
    about = model.description
    arguments = [names.lower_camel(name) for name in model.arguments]
    results = [names.lower_camel(name) for name in model.results]
    rate = repr(about.sample_rate) if about.sample_rate else "null"
    labels = ", ".join(names.javascript(label) for label in about.labels)
    lines = [
        "",
        f"/** A stream of the model {model.name}. */",
        f"export class {model.class_name} extends Stream {{",
        f"  static chunk = {about.chunk or 'null'}; // steps of every push; null: any multiple of hop",
        f"  static hop = {about.hop};",
        f"  static sampleRate = {rate}; // steps per second",
        f"  static labels = [{labels}];",
        "",
        "  /** Run the next chunk; arrays are flat, in row-major order. */",
        f"  async push({', '.join(arguments)}) {{",
    ]
    call = f"await this.pushAll({', '.join(arguments)})"
    if len(results) == 1:
        lines += [f"    return ({call})[0];"]
    else:
        lines += [f"    const [{', '.join(results)}] = {call};", f"    return {{ {', '.join(results)} }};"]
    return "\n".join([*lines, "  }", "}", ""])


def _types(app: App) -> str:
    classes = "".join(_declaration(model) for model in app.models)
    table = "".join(f"  {model.name}: typeof {model.class_name};\n" for model in app.models)
    head = "import { type Output, Stream, type Values } from './runtime.mjs';\n"
    return f"{head}{classes}\nexport const STREAMS: {{\n{table}}};\n"


def _declaration(model: AppModel) -> str:
    about = model.description
    arguments = [names.lower_camel(name) for name in model.arguments]
    results = [names.lower_camel(name) for name in model.results]
    said = [
        f"   * @param {name} {item.dtype}, {shape_text(item)}"
        for name, item in zip(arguments, about.inputs, strict=True)
    ]
    given = "; ".join(
        f"{name}: {item.dtype}, {shape_text(item)}" for name, item in zip(results, about.outputs, strict=True)
    )
    kind = "Output" if len(results) == 1 else f"{{ {'; '.join(f'{name}: Output' for name in results)} }}"
    parameters = ", ".join(f"{name}: Values" for name in arguments)
    return "\n".join([
        "",
        f"/** A stream of the model {model.name}. */",
        f"export class {model.class_name} extends Stream {{",
        "  static readonly chunk: number | null;",
        "  static readonly hop: number;",
        "  static readonly sampleRate: number | null;",
        "  static readonly labels: string[];",
        "  /**",
        "   * Run the next chunk; arrays are flat, in row-major order.",
        *said,
        f"   * @returns {given}",
        "   */",
        f"  push({parameters}): Promise<{kind}>;",
        "}",
        "",
    ])  # fmt: skip
