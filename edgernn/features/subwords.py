"""Texts as numbers of sub-words, by SentencePiece; or of characters or bytes, by a vocabulary alone.

A tokeniser of sub-words is a text that stands in a file's manifest: the SentencePiece model, compressed, in
base64. So an app needs the file and the package sentencepiece, and no other.
"""

from __future__ import annotations

import base64
import binascii
import io
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from edgernn.errors import InputError, MissingDependencyError, ModelError
from edgernn.features.characters import Characters

# No tokeniser is larger, uncompressed; what claims to be is damaged or meant to fill the memory.
_LARGEST = 64 << 20


class Tokenizer(Protocol):
    """Texts as numbers, and back."""

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """What each number stands for."""

    def encode(self, text: str) -> list[int]:
        """The numbers of a text's symbols."""

    def decode(self, numbers: Sequence[int]) -> str:
        """The text of numbers."""


class CharacterTokenizer:
    """Characters or bytes; see `edgernn.features.characters.Characters`."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._characters = Characters(vocabulary)
        self.vocabulary = self._characters.vocabulary

    def encode(self, text: str) -> list[int]:
        """The numbers of a text's symbols."""
        return self._characters.encode(text)

    def decode(self, numbers: Sequence[int]) -> str:
        """The text of numbers."""
        decode = self._characters.decoder()
        return "".join(decode(number) for number in numbers)


class Subwords:
    """Sub-words by byte-pair encoding (Sennrich et al. 2016), of SentencePiece (Kudo and Richardson 2018).

    A character that the training texts lack is written as its bytes, so that no text is unknown.

    Args:
        model: the SentencePiece model.
    """

    def __init__(self, model: bytes) -> None:
        self._model = model
        try:
            self._processor = _sentencepiece().SentencePieceProcessor(model_proto=model)
        except RuntimeError as error:
            raise ModelError(
                f"tokenizer: not a SentencePiece model ({error}). Export the model again."
            ) from error
        count = self._processor.get_piece_size()
        self.vocabulary = tuple(self._processor.id_to_piece(number) for number in range(count))

    @classmethod
    def learn(cls, texts: Iterable[str], size: int) -> Subwords:
        """Learn from texts.

        Args:
            texts: the training part.
            size: how many sub-words, bytes included.

        Raises:
            InputError: where the texts are too few for so many.
        """
        model = io.BytesIO()
        try:
            _sentencepiece().SentencePieceTrainer.train(
                sentence_iterator=iter(texts),
                model_writer=model,
                vocab_size=size,
                model_type="bpe",
                byte_fallback=True,
                character_coverage=1.0,
                normalization_rule_name="nfkc",
                bos_id=-1,
                eos_id=-1,
                num_threads=1,
                minloglevel=2,
            )
        except RuntimeError as error:
            raise InputError(
                f"vocabulary_size: the texts give no {size} sub-words ({str(error).splitlines()[0]}). Take "
                "fewer, or more texts."
            ) from error
        return cls(model.getvalue())

    @classmethod
    def from_text(cls, text: str) -> Subwords:
        """From what `to_text` gave. Raises ModelError where it is something else."""
        try:
            packed = base64.b64decode(text, validate=True)
            unpack = zlib.decompressobj()
            model = unpack.decompress(packed, _LARGEST)
        except (binascii.Error, ValueError, zlib.error) as error:
            raise ModelError(f"tokenizer: not readable ({error}). Export the model again.") from error
        if not unpack.eof:
            raise ModelError("tokenizer: cut off, or far too large. Export the model again.")
        return cls(model)

    def to_text(self) -> str:
        """The tokeniser as a text, for the manifest."""
        return base64.b64encode(zlib.compress(self._model, 9)).decode("ascii")

    def encode(self, text: str) -> list[int]:
        """The numbers of a text's sub-words."""
        found: list[int] = self._processor.encode(text)
        return found

    def decode(self, numbers: Sequence[int]) -> str:
        """The text of numbers; bytes that are no text become U+FFFD."""
        found: str = self._processor.decode(list(numbers))
        return found


def tokenizer_of(vocabulary: Sequence[str], text: str) -> Tokenizer:
    """The tokeniser of a manifest.

    Args:
        vocabulary: its symbols, without those that the model adds, e.g. a start and an end.
        text: `Manifest.tokenizer`; empty where the vocabulary is one of characters or bytes.

    Raises:
        InputError, ModelError: where they are not what they must be.
        MissingDependencyError: where sub-words need the package sentencepiece.
    """
    return Subwords.from_text(text) if text else CharacterTokenizer(vocabulary)


def _sentencepiece() -> Any:
    try:
        import sentencepiece
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "sub-words need the package 'sentencepiece', which is not installed. Install it with: "
            "pip install 'edgernn[text]'"
        ) from error
    return sentencepiece
