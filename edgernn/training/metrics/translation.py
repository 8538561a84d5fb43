"""How near translations are to those of people."""

from __future__ import annotations

from collections.abc import Sequence

from edgernn.errors import InputError


def translation_scores(found: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """`bleu` and `chrf`, from 0 to 100, and `exact`, the share that is the reference to the letter.

    BLEU is that of sacrebleu (Papineni et al. 2002; Post 2018) with its tokenisation "13a", cased; chrF of
    character 6-grams, β = 2 (Popović 2015). Both over all texts together.

    Args:
        found: translations.
        references: of the same texts.

    Raises:
        InputError: where there are more of one than of the other, or none.
    """
    from torchmetrics.functional.text import chrf_score, sacre_bleu_score

    if len(found) != len(references) or not len(references):
        raise InputError(
            f"translations: as many as references, and at least one; found {len(found)} and "
            f"{len(references)}."
        )
    listed = [[reference] for reference in references]
    same = sum(text == reference for text, reference in zip(found, references, strict=True))
    character_score = chrf_score(list(found), listed, n_word_order=0)
    assert not isinstance(character_score, tuple)
    return {
        "bleu": 100 * float(sacre_bleu_score(list(found), listed)),
        "chrf": 100 * float(character_score),
        "exact": same / len(references),
    }
