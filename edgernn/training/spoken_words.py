"""Words, made from a seed, that are none of a spotter's: half of them English, half that no language has."""

from __future__ import annotations

import random
from collections.abc import Iterable

from edgernn.training.voices import sounds_of

_ENGLISH = """
about above after again along always animal answer apple arm ask baby back ball bank beach because bed
before begin best better between bird blood blue boat body book both bottle box bread break breakfast bridge
bring brother brown build busy button buy cake call camera car card carry case cat catch chair change cheap
child city class clean clear clock close clothes cloud coat coffee cold color come company cook copy corner
could count country cover cross cup dance dark daughter day decide deep dinner doctor dog door down draw
dream dress drink drive early earth easy eat eight else empty end enough evening every eye face fall family
far farm fast father feel field fight fill find finger fire fish five floor flower fly follow food foot
forest four free friend from front fruit full game garden give glass good grass great green ground group
grow hand happy hard head hear heart heavy help here high hill history hold home hope horse hospital hot
hour house how hundred ice idea important inside island job join jump keep kitchen know lady lake land
language large last late laugh lead learn leave leg letter life light line listen little live long look lose
love low lunch machine make man many map market maybe mean meet middle milk mind minute money month moon
morning mother mountain mouth move much music name near need never new news next night nine nose nothing
number ocean office often old one only open orange order other over page paint paper part party pay people
phone picture piece place plan plant play please point poor power pretty price pull push put question quick
quiet rain read ready red remember rest rich right ring river road rock room round run sad safe salt same
sand save say school sea season seat second see seem sell send seven shape ship shirt shoe shop short should
shoulder show sick side simple sing sister sit six sky sleep slow small smile snow some song soon sound
south speak spring stand star start station stay stone story street strong student sugar summer sun sweet
swim table take talk tall taste teach tell ten than thank their thing think three through ticket time today
together tomorrow town train travel tree true try turn two under until use village visit voice wait walk
wall warm wash watch water way wear weather week well west what wheel when where white who why wide wife
wild wind window winter wish with woman wood word work world write wrong year yellow yesterday young zero
"""

_STARTS = (
    "b",
    "d",
    "f",
    "g",
    "h",
    "k",
    "l",
    "m",
    "n",
    "p",
    "r",
    "s",
    "t",
    "v",
    "w",
    "sh",
    "ch",
    "th",
    "st",
    "tr",
    "bl",
)
_MIDDLES = ("a", "e", "i", "o", "u", "ee", "oo", "ai", "ow", "ar", "er", "or")
_ENDS = ("", "", "n", "s", "t", "l", "m", "k", "p", "d", "ng", "sh")


def make_words(count: int, seed: int, keywords: Iterable[str]) -> list[str]:
    """So many different words in which none of the keywords is heard.

    Raises:
        MissingDependencyError: espeak-ng, which knows how they sound, is not installed.
    """
    drawn, known = random.Random(seed), sounds_of(list(keywords))
    english = drawn.sample(_ENGLISH.split(), len(_ENGLISH.split()))
    found: list[str] = []
    while len(found) < count:
        missing = count - len(found)
        taken, english = english[: missing // 2], english[missing // 2 :]
        words = list(dict.fromkeys([*taken, *(_invented(drawn) for _ in range(missing - len(taken)))]))
        # Who says "write" says "right", and "nonstop" holds "stop".
        found += [
            word
            for word, sounds in zip(words, sounds_of(words), strict=True)
            if word not in found and not any(keyword in sounds for keyword in known)
        ]
    return found


def _invented(drawn: random.Random) -> str:
    """One to three syllables."""
    syllables = range(drawn.randint(1, 3))
    return "".join(drawn.choice(_STARTS) + drawn.choice(_MIDDLES) + drawn.choice(_ENDS) for _ in syllables)
