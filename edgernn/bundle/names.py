"""Names and texts of an untrusted model, made fit for file names and source code.

A model file may hold any text. Nothing of it goes into a bundle but through these functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

_WORDS = re.compile(r"[A-Za-z0-9]+")
_LONGEST = 40

# Words that one of the languages keeps for itself, or that the generated classes use.
_RESERVED = frozenset(
    """abstract alignas alignof and any as asm assert associatedtype async auto await bool boolean break byte
    case catch char class companion concept const constexpr continue copy debugger decltype decode default
    defer deinit del delegate delete do double dynamic elif else encode enum eval except explicit export
    extends extension extern fallthrough false fileprivate final finally float for friend from fun func
    function given global goto guard if implements import in indirect infix init inline inout instanceof int
    interface internal is known lambda lateinit let long match model mutable mutating namespace new nil
    noexcept none nonlocal not null open operator or out outputs override package pass plan private
    protected protocol public push raise register reified repeat requires reset restore result rethrows
    return sealed self short signed sizeof snapshot spec state states static steps stream struct subscript
    super suspend switch template this thread throw throws time true try type typealias typedef typeid
    typename typeof union unsigned using val var vararg virtual void volatile wchar when where while with
    yield""".split()  # noqa: SIM905 - a column of words reads better
)


def words(text: str) -> list[str]:
    """The runs of ASCII letters and digits in a text."""
    found = _WORDS.findall(text.encode("ascii", "replace").decode()[: 4 * _LONGEST])
    return [word for word in found if word]


def snake(text: str, otherwise: str) -> str:
    """A text as lower_case, starting with a letter; `otherwise` where nothing of it is left."""
    name = "_".join(word.lower() for word in words(text))[:_LONGEST].strip("_")
    if not name:
        return otherwise
    return name if name[0].isalpha() else f"{otherwise}_{name}"


def camel(name: str) -> str:
    """A lower_case name as UpperCase."""
    return "".join(part[0].upper() + part[1:] for part in name.split("_") if part)


def lower_camel(name: str) -> str:
    """A lower_case name as lowerCase."""
    upper = camel(name)
    return upper[0].lower() + upper[1:]


def unique(texts: Iterable[str], otherwise: str) -> list[str]:
    """One lower_case name for each text, all different, none a word that a language keeps."""
    taken = set(_RESERVED)
    names = []
    for text in texts:
        name = stem = snake(text, otherwise)
        if stem in _RESERVED:
            name = stem = f"{stem}_{otherwise}"
        number = 1
        while _letters(name) in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(_letters(name))
        names.append(name)
    return names


def _letters(name: str) -> str:
    """What is left of a name in each spelling: `a_1` and `a1` are both `a1` in camel case."""
    return name.replace("_", "")


def plain(text: str, longest: int = 80) -> str:
    """A text for a comment or a page: letters, digits and a few signs; anything else becomes a blank.

    No quote, bracket of a language, backslash, star or end of line is left that could end a comment.
    """
    kept = "".join(char if char.isalnum() or char in " .,:%°/+-=_()" else " " for char in text)
    return " ".join(kept.replace("//", "/").split())[:longest]


def python(text: str) -> str:
    """A text as a literal of Python."""
    return ascii(text)


def javascript(text: str) -> str:
    """A text as a literal of JavaScript, which may stand in a page too."""
    return json.dumps(text).replace("<", "\\u003c").replace(">", "\\u003e")


def kotlin(text: str) -> str:
    """A text as a literal of Kotlin, where a dollar begins an expression."""
    return json.dumps(text).replace("$", "\\$")


def swift(text: str) -> str:
    """A text as a literal of Swift."""
    return '"' + "".join(_swift_char(char) for char in text) + '"'


def _swift_char(char: str) -> str:
    return char if char.isascii() and (char.isalnum() or char in " _.-") else f"\\u{{{_scalar(char):x}}}"


def _scalar(char: str) -> int:
    code = ord(char)
    return 0xFFFD if 0xD800 <= code <= 0xDFFF else code  # half a pair is no character


def octal(text: str) -> str:
    """A text as a literal of C++ and of protobuf's text format: bytes of UTF-8, escaped where not plain."""
    data = text.encode("utf-8", "replace")
    kept = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _.-"
    return '"' + "".join(chr(byte) if byte in kept else f"\\{byte:03o}" for byte in data) + '"'
