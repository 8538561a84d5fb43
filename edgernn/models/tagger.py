"""Tagger: a tag for every word of a sentence, from the numbers of its words and of their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.features.tags import allowed_transitions
from edgernn.layers import Recurrent
from edgernn.models.crf import LinearChainCRF
from edgernn.models.named import cell_type, check_sizes

# Bytes are numbered from 1; 0 stands behind the end of a word.
_BYTES = 257
_SHAPES = 6
# Bytes that one convolution of `characters="convolution"` sees.
_KERNEL = 3


class Tagger(nn.Module):
    """Tags words: embedding, character encoder, recurrent network, linear-chain CRF.

    Lample et al. (2016), arXiv:1603.01360, with w_t the word's embedding, c_t what an encoder makes of its
    bytes and s_t its shape (capitals, digits, signs):

        x_t = (w_t, c_t, s_t),   h = recurrent(x),   e_t = W h_t + b,   y = argmax_y s_CRF(e, y)

    The best path is found inside of the network, so its outputs are tags. Word 0 fills shorter sentences of a
    batch up on the right; the network takes numbers alone and needs no lengths beside them.

    Args:
        words: size of the vocabulary, the filling word 0 included.
        tags: names of the tags, BIO or BIOES.
        bytes_a_word: bytes that stand for a word.
        word_size, character_size, hidden_size: numbers that stand for a word, for a byte, and size of the
            recurrent layers over words, a direction.
        character_hidden_size: size of the character encoder's output, a direction.
        cell: name of a cell in `edgernn.cells`, in any case; for words and for characters.
        num_layers: recurrent layers over words.
        bidirectional: whether a second cell reads from the end to the start.
        characters: "recurrent": a cell reads the bytes in both directions; "convolution": the maximum over
            the word of what windows of three bytes give.
        decoder: "viterbi": the best path of the whole sentence; "so-far": at each word the likeliest tag
            given this one and those before, which is all that a stream can say.
        lookahead: words after the current one that a convolution over the recurrent outputs sees.
        constrained: whether tags may only follow each other as BIO and BIOES have it.
        dropout: probability of zeroing an element of the words' features, between two recurrent layers and
            before the head, in training only.
        word_dropout: probability of taking a word for an unknown one, in training only.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> tagger = Tagger(words=100, tags=["O", "B-place", "I-place"])
        >>> out = tagger(torch.randint(1, 100, (2, 7)), torch.randint(0, 257, (2, 7, 16)))
        >>> out["tags"].shape, out["probabilities"].shape
        (torch.Size([2, 7]), torch.Size([2, 7, 3]))
    """

    # What stands behind the recurrent layers, and is not pretrained with them.
    answering: ClassVar[tuple[str, ...]] = ("head", "crf")

    def __init__(
        self,
        words: int,
        tags: Sequence[str],
        bytes_a_word: int = 16,
        word_size: int = 64,
        character_size: int = 24,
        character_hidden_size: int = 24,
        hidden_size: int = 64,
        cell: str = "lstm",
        num_layers: int = 1,
        bidirectional: bool = True,
        characters: Literal["recurrent", "convolution"] = "recurrent",
        decoder: Literal["viterbi", "so-far"] = "viterbi",
        lookahead: int = 0,
        constrained: bool = True,
        dropout: float = 0.0,
        word_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes(
            "Tagger", words=words, bytes_a_word=bytes_a_word, word_size=word_size,
            character_size=character_size, character_hidden_size=character_hidden_size,
        )  # fmt: skip
        if not 0.0 <= word_dropout < 1.0:
            raise InputError(f"Tagger: word_dropout must be in [0, 1), found {word_dropout!r}.")
        for name, value, known in (
            ("characters", characters, ("recurrent", "convolution")),
            ("decoder", decoder, ("viterbi", "so-far")),
        ):
            if value not in known:
                raise InputError(f"Tagger: {name} must be one of {', '.join(known)}, found {value!r}.")
        if not isinstance(lookahead, int) or isinstance(lookahead, bool) or lookahead < 0:
            raise InputError(f"Tagger: lookahead must be an integer ≥ 0, found {lookahead!r}.")
        self.words, self.decoder, self.word_dropout, self.lookahead = words, decoder, word_dropout, lookahead
        self.needs_whole_input = _whole_input(bidirectional, characters, decoder)
        self.embedding = nn.Embedding(words, word_size)
        nn.init.normal_(self.embedding.weight, std=0.1)
        kind = cell_type(cell)
        self.characters: CharacterRecurrent | CharacterConvolution
        if characters == "recurrent":
            reader = Recurrent(kind(character_size, character_hidden_size), bidirectional=True)
            self.characters = CharacterRecurrent(character_size, reader)
        else:
            self.characters = CharacterConvolution(character_size, 2 * character_hidden_size)
        features = word_size + 2 * character_hidden_size + _SHAPES
        self.dropout = nn.Dropout(dropout)
        self.recurrent = Recurrent(kind(features, hidden_size), num_layers, bidirectional, dropout)
        width = hidden_size * self.recurrent.directions
        self.ahead = nn.Conv1d(width, width, lookahead + 1) if lookahead else None
        self.head = nn.Linear(width, len(tags))
        self.crf = LinearChainCRF(len(tags), allowed_transitions(tags) if constrained else None)

    @property
    def label_dims(self) -> dict[str, int]:
        """How many of the first dimensions of which weights are the tags."""
        crf = {"crf.transitions": 2, "crf.first": 1, "crf.last": 1}
        return {"head.weight": 1, "head.bias": 1, **crf}

    def forward(self, words: Tensor, characters: Tensor) -> dict[str, Tensor]:
        """Tag each word.

        Args:
            words: (batch, time) integers: numbers of words, zeros behind the end of a sentence.
            characters: (batch, time, bytes_a_word) integers: the words' bytes, each plus 1, zeros behind.

        Returns:
            tags: (batch, time) int64, the best tag of each word, 0 behind a sentence's end.
            probabilities: (batch, time, tags), of each tag there.
        """
        inside = words > 0
        emissions = self.emissions(words, characters)
        if self.decoder == "so-far":
            probabilities = self.crf.so_far(emissions, inside)
            return {"tags": probabilities.argmax(-1), "probabilities": probabilities}
        tags, probabilities = self.crf(emissions, inside)
        return {"tags": tags, "probabilities": probabilities}

    def emissions(self, words: Tensor, characters: Tensor) -> Tensor:
        """Scores of the tags at each word by itself, (batch, time, tags), for the CRF and its loss."""
        inside = words > 0
        hidden = self.encode(words, characters)
        if self.ahead is not None:
            # What stands behind a sentence's end must not depend on how long its batch is.
            following = F.pad((hidden * inside.unsqueeze(-1)).transpose(1, 2), (0, self.lookahead))
            hidden = torch.relu(self.ahead(following)).transpose(1, 2)
        scores: Tensor = self.head(self.dropout(hidden))
        return scores

    def encode(self, words: Tensor, characters: Tensor) -> Tensor:
        """What the recurrent layers make of each word, (batch, time, directions × hidden_size)."""
        shapes = word_shapes(characters)
        embedded = words
        if self.training and self.word_dropout:
            unknown = torch.rand(words.shape, device=words.device) < self.word_dropout
            embedded = torch.where(unknown & (words > 0), torch.ones_like(words), words)
        features = torch.cat([self.embedding(embedded), self.characters(characters), shapes], dim=-1)
        # A cell that reads the past alone never sees the padding, and streams without lengths.
        lengths = (words > 0).sum(1).clamp(min=1) if self.recurrent.bidirectional else None
        hidden: Tensor = self.recurrent(self.dropout(features), lengths=lengths)[0]
        return hidden

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        return f"words={self.words}, decoder={self.decoder!r}, lookahead={self.lookahead}"


def _whole_input(bidirectional: bool, characters: str, decoder: str) -> str:
    """Why a tagger cannot stream, and what to do; empty where it can."""
    obstacles = {
        "'recurrent' reads from the end to the start (bidirectional=False)": bidirectional,
        "'characters' reads each word by its length (characters='convolution')": characters == "recurrent",
        "'crf' finds the best path at the end of a sentence (decoder='so-far')": decoder == "viterbi",
    }
    found = [reason for reason, applies in obstacles.items() if applies]
    if not found:
        return ""
    return f"{'; '.join(found)}. Train it with what stands in brackets, or export with streaming=False."


class CharacterRecurrent(nn.Module):
    """The final states of a recurrent network that reads a word's bytes in both directions."""

    def __init__(self, size: int, recurrent: Recurrent) -> None:
        super().__init__()
        self.embedding = nn.Embedding(_BYTES, size)
        self.recurrent = recurrent

    def forward(self, characters: Tensor) -> Tensor:
        """(batch, time, bytes) integers → (batch, time, 2 × hidden)."""
        rows = characters.flatten(0, 1)
        lengths = (rows > 0).sum(1).clamp(min=1)
        _, state = self.recurrent(self.embedding(rows), lengths=lengths)
        read: Tensor = state[0].transpose(0, 1).flatten(1)
        return read.reshape(*characters.shape[:2], read.shape[-1])


class CharacterConvolution(nn.Module):
    """The maximum over a word of what windows of its bytes give; the time axis stays as it is."""

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(_BYTES, size)
        self.windows = nn.Linear(_KERNEL * size, channels)

    def forward(self, characters: Tensor) -> Tensor:
        """(batch, time, bytes) integers → (batch, time, channels)."""
        length = characters.shape[2]
        padded = F.pad(characters, (_KERNEL // 2, _KERNEL // 2))
        # Windows beside each other as features: time is not what a convolution runs over here.
        windows = torch.cat([self.embedding(padded[:, :, n : n + length]) for n in range(_KERNEL)], dim=-1)
        read = torch.tanh(self.windows(windows))
        return read.masked_fill((characters == 0).unsqueeze(-1), -1.0).amax(-2)


def word_shapes(characters: Tensor) -> Tensor:
    """How words are written: (batch, time, bytes) integers → (batch, time, 6) zeros and ones.

    A capital first; capitals alone (two at least); a capital later; a digit; a sign; a byte beyond ASCII.
    """
    code = characters - 1

    def within(first: int, last: int) -> Tensor:
        return torch.logical_and(code >= first, code <= last).to(torch.float32)

    capital, digit, small = (within(ord(a), ord(b)) for a, b in ("AZ", "09", "az"))
    there, beyond = within(0, 255), within(128, 255)
    sign = there - capital - digit - small - beyond
    capitals_alone = (capital + 1 - there).amin(-1) * capital[..., :2].amin(-1)
    anywhere = [part.amax(-1) for part in (capital[..., 1:], digit, sign, beyond)]
    return torch.stack([capital[..., 0], capitals_alone, *anywhere], dim=-1)
