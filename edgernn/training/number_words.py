"""Numbers in words, German and English: data that need no file, and whose words change places.

"einundzwanzig" is "one and twenty": what is first in one language is last in the other.
"""

from __future__ import annotations

# fmt: off
_ENGLISH = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
_ENGLISH_TENS = (
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)
_GERMAN = (
    "null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf",
    "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
)
_GERMAN_TENS = (
    "", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig",
)
# fmt: on

# Numbers below it have words here.
LIMIT = 1_000_000


def english(number: int) -> str:
    """A number from 0 to 999,999 in English words.

    Example:
        >>> english(742_021)
        'seven hundred forty-two thousand twenty-one'
    """
    if number >= 1000:
        rest = f" {english(number % 1000)}" if number % 1000 else ""
        return f"{english(number // 1000)} thousand{rest}"
    if number >= 100:
        rest = f" {english(number % 100)}" if number % 100 else ""
        return f"{_ENGLISH[number // 100]} hundred{rest}"
    if number < 20:
        return _ENGLISH[number]
    unit = f"-{_ENGLISH[number % 10]}" if number % 10 else ""
    return f"{_ENGLISH_TENS[number // 10]}{unit}"


def german(number: int) -> str:
    """A number from 0 to 999,999 in German words, which are one word.

    Example:
        >>> german(742_021)
        'siebenhundertzweiundvierzigtausendeinundzwanzig'
    """
    if number >= 1000:
        rest = german(number % 1000) if number % 1000 else ""
        return f"{_before(number // 1000)}tausend{rest}"
    if number >= 100:
        rest = german(number % 100) if number % 100 else ""
        return f"{_before(number // 100)}hundert{rest}"
    if number < 20:
        return _GERMAN[number]
    unit = f"{_before(number % 10)}und" if number % 10 else ""
    return f"{unit}{_GERMAN_TENS[number // 10]}"


def _before(number: int) -> str:
    """In front of another word "eins" loses its last letter."""
    words = german(number)
    return words.removesuffix("s") if words.endswith("eins") else words
