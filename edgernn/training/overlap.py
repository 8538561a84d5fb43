"""The baseline of answers in a text: a window slides over it and looks for the question's words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from edgernn.features.spans import Span
from edgernn.features.tokens import normal_form

_AROUND = 10


def overlap_span(context: Sequence[str], question: Sequence[str], longest: int) -> Span:
    """Words that are not the question's, where most of the question's words stand around them.

    Candidates are stretches without signs and without words of the question, cut after `longest` words; each
    counts what the question's words within ten words on either side weigh, log(1 + 1 ÷ how often the context
    holds it), after the sliding window of Richardson et al. 2013, "MCTest".
    """
    words = [normal_form(word) for word in context]
    counts, asked = Counter(words), {normal_form(word) for word in question if word[0].isalnum()}
    weights = [math.log(1 + 1 / counts[word]) if word in asked else 0.0 for word in words]
    best, found = -1.0, Span(0, 1)
    start = 0
    for place in range(len(words) + 1):
        if place < len(words) and words[place] not in asked and words[place][0].isalnum():
            continue
        if place > start:
            around = sum(weights[max(0, start - _AROUND) : place + _AROUND])
            if around > best:
                best, found = around, Span(start, min(place, start + longest))
        start = place + 1
    return found
