"""A Python program with a stream class, on numpy and onnxruntime alone."""

from __future__ import annotations

from edgernn.bundle import names
from edgernn.bundle.app import App, AppModel, Files
from edgernn.bundle.describe import Tensor
from edgernn.bundle.render import render

RUNTIME = "onnxruntime (pip)"
NEXT = (
    "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt",
    ".venv/bin/python main.py --check",
)


def files(app: App) -> Files:
    """See `Target.files`."""
    made = render("python", app.values())
    made["streams.py"] = streams(app).encode()
    return made | app.files("models")


def streams(app: App) -> str:
    """The module with a class for each model."""
    table = ", ".join(f"{names.python(model.name)}: {model.class_name}" for model in app.models)
    head = (
        '"""A stream class for each model of this app; made from the models, see README.md."""\n\n'
        "from __future__ import annotations\n\n"
        "from typing import NamedTuple\n\nfrom runtime import Array, Stream\n"
    )
    classes = "".join(_class(model) for model in app.models)
    return f"{head}{classes}\n\nSTREAMS: dict[str, type[Stream]] = {{{table}}}\n"


def _class(model: AppModel) -> str:
    about = model.description
    several = len(about.outputs) > 1
    answer = f"{names.camel(model.name)}Outputs" if several else "Array"
    lines = ["", ""]
    if several:
        lines += [f"class {answer}(NamedTuple):", f'    """What a push of {model.class_name} gives."""', ""]
        lines += [f"    {name}: Array" for name in model.results] + ["", ""]
    lines += [f"class {model.class_name}(Stream):", f'    """A stream of the model {model.name}."""', ""]
    lines.append(f"    CHUNK = {about.chunk or None}  # steps of every push; None: any multiple of HOP")
    lines.append(f"    HOP = {about.hop}")
    lines.append(f"    SAMPLE_RATE = {about.sample_rate or None!r}  # steps per second")
    lines.append("    LABELS: tuple[str, ...] = (")
    lines += [f"        {names.python(label)}," for label in about.labels]
    lines += ["    )", ""]
    arguments = ", ".join(f"{name}: Array" for name in model.arguments)
    lines += [
        f"    def push(self, {arguments}) -> {answer}:",
        '        """Run the next chunk.',
        "",
        "        Args:",
    ]
    pairs = zip(model.arguments, about.inputs, strict=True)
    lines += [f"            {name}: {_says(item)}" for name, item in pairs]
    lines += ["", "        Returns:"]
    lines += [
        f"            {name}: {_says(item)}" for name, item in zip(model.results, about.outputs, strict=True)
    ]
    call = f"self.push_all({', '.join(model.arguments)})"
    lines += [
        '        """',
        f"        return {answer}(*{call})" if several else f"        return {call}[0]",
        "",
    ]
    return "\n".join(lines)


def _says(item: Tensor) -> str:
    shape = ", ".join("time" if size < 0 else str(size) for size in item.shape)
    notes = [item.dtype, f"({shape})"]
    if item.hop != 1 or item.upsampling != 1:
        notes.append(f"with {item.upsampling} step(s) for every {item.hop} of the input")
    if item.delay:
        notes.append(f"the first {item.delay} of a stream to be dropped")
    if item.unit:
        notes.append(names.plain(item.unit))
    return ", ".join(notes)
