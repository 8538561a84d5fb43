"""How text is read from a recogniser's output: greedily, or by a beam beside a language model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgernn.errors import InputError

if TYPE_CHECKING:
    from edgernn.cli.tellers import Teller
    from edgernn.ctc import CTCDecoder
    from edgernn.runtime import Session

# Texts of a beam where a language model is named and no beam; what it says counts half as much as the sound.
DEFAULT_BEAM, DEFAULT_WEIGHT, DEFAULT_BONUS = 16, 0.5, 0.0


@dataclass(frozen=True)
class Reading:
    """How to read; None: the default.

    Attributes:
        beam: texts that are kept.
        language_model: a file of the recipe text-generate that streams.
        language_weight, bonus: see `edgernn.ctc.CTCDecoder`.
    """

    beam: int | None = None
    language_model: Path | None = None
    language_weight: float | None = None
    bonus: float | None = None

    def check(self, told: bool) -> None:
        """Raise InputError where an option lacks what it weighs, or nothing is read and told."""
        if self._asked and not told:
            raise InputError(
                f"{self._asked}: it is for text that is read from a sound and printed: give one sound file "
                "or --mic, and none of --output, --resume and --prompt."
            )
        alone = {"--language-weight": self.language_weight, "--bonus": self.bonus}
        for name, value in alone.items():
            if value is not None and self.language_model is None:
                raise InputError(f"{name}: it is for reading beside one; give --language-model too.")

    def use(self, session: Session, teller: Teller | None) -> None:
        """Have a teller read so.

        Raises:
            InputError: the task's outputs are not read by CTC, or the language model does not know the
                recogniser's characters.
            ModelError: the language model's file is none.
        """
        if self._asked is None:
            return
        if teller is None or not hasattr(teller, "decoder"):
            raise InputError(
                f"{self._asked}: it is for files that write down text; {str(session.path)!r} is of the task "
                f"{session.manifest.task!r}. Name one of the recipe speech-recognise."
            )
        teller.decoder = self._decoder(session)

    def _decoder(self, session: Session) -> CTCDecoder:
        import edgernn
        from edgernn.runtime import CTCDecoder, LanguageScorer

        symbols = session.manifest.vocabulary
        if self.language_model is None:
            return CTCDecoder(symbols, beam=1 if self.beam is None else self.beam)
        return CTCDecoder(
            symbols,
            beam=DEFAULT_BEAM if self.beam is None else self.beam,
            language_model=LanguageScorer(edgernn.load(self.language_model), symbols),
            language_weight=DEFAULT_WEIGHT if self.language_weight is None else self.language_weight,
            bonus=DEFAULT_BONUS if self.bonus is None else self.bonus,
        )

    @property
    def _asked(self) -> str | None:
        """The first option that was given."""
        options = {
            "--beam": self.beam, "--language-model": self.language_model,
            "--language-weight": self.language_weight, "--bonus": self.bonus,
        }  # fmt: skip
        return next((name for name, value in options.items() if value is not None), None)
