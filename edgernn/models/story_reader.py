"""StoryReader: the answer to a question about a story, and the sentence that it follows from."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from edgernn.errors import InputError
from edgernn.layers import Recurrent
from edgernn.models.named import cell_type, check_sizes


class StoryReader(nn.Module):
    """Scores the answers to a question about a story of sentences.

    One recurrent network reads each sentence and the question, word by word in both directions, and another
    one the sentences. With s_i what the first makes of sentence i, c_i the second one's output there, q what
    the first makes of the question and v_i = (s_i, c_i),

        a = softmax_i(w · tanh(V v_i + U q)),   y = softmax(W tanh(Z (Σ_i a_i v_i, q)))

    (Bahdanau et al. 2015, "Neural machine translation by jointly learning to align and translate"; words and
    sentences as in Yang et al. 2016, "Hierarchical attention networks for document classification").

    Args:
        words: size of the vocabulary, the filling symbol 0 included.
        answers: how many answers there are.
        words_a_sentence: places for words that a sentence has.
        embedding_size: numbers that stand for a word.
        hidden_size: size of the recurrent layers, a direction.
        cell: name of a cell in `edgernn.cells`, in any case.
        dropout: probability of zeroing an element of the embeddings and before the last layer, in training
            only.

    Raises:
        InputError: where an argument is not what it must be.

    Example:
        >>> reader = StoryReader(words=40, answers=6)
        >>> out = reader(torch.randint(0, 40, (2, 5, 16)), torch.randint(1, 40, (2, 16)))
        >>> out["probabilities"].shape, out["attention"].shape
        (torch.Size([2, 6]), torch.Size([2, 5]))
    """

    def __init__(
        self,
        words: int,
        answers: int,
        words_a_sentence: int = 16,
        embedding_size: int = 32,
        hidden_size: int = 32,
        cell: str = "gru",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_sizes(
            "StoryReader", words=words, answers=answers, words_a_sentence=words_a_sentence,
            embedding_size=embedding_size,
        )  # fmt: skip
        self.words, self.answers, self.words_a_sentence = words, answers, words_a_sentence
        self.embedding = nn.Embedding(words, embedding_size)
        kind = cell_type(cell)
        self.sentences = Recurrent(kind(embedding_size, hidden_size), bidirectional=True)
        self.story = Recurrent(kind(2 * hidden_size, hidden_size), bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.key, self.query = (
            nn.Linear(4 * hidden_size, hidden_size),
            nn.Linear(2 * hidden_size, hidden_size),
        )
        self.weigh = nn.Linear(hidden_size, 1)
        self.mix = nn.Linear(6 * hidden_size, 2 * hidden_size)
        self.head = nn.Linear(2 * hidden_size, answers)

    def forward(self, story: Tensor, question: Tensor) -> dict[str, Tensor]:
        """Answer a question about each story.

        Args:
            story: (batch, time, words a sentence) integers: numbers of words, a sentence a step; zeros behind
                a sentence's end, and sentences of zeros behind the story's.
            question: (batch, words a sentence) integers.

        Returns:
            probabilities: (batch, answers).
            attention: (batch, time), how much each sentence counts; sums to 1 over a story's own.

        Raises:
            InputError: where sentences have another number of places for words.
        """
        scores, attention = self.scores(story, question)
        return {"probabilities": scores.softmax(-1), "attention": attention}

    def scores(self, story: Tensor, question: Tensor) -> tuple[Tensor, Tensor]:
        """As `forward`, before the last softmax, for the loss: scores of the answers, and the attention."""
        if story.shape[2] != self.words_a_sentence or question.shape[1] != self.words_a_sentence:
            raise InputError(
                f"StoryReader: a sentence has {self.words_a_sentence} places for words, found shapes "
                f"{tuple(story.shape)} of the story and {tuple(question.shape)} of the question."
            )
        read = self._read(torch.cat([question.unsqueeze(1), story], dim=1))
        asked, sentences = read[:, 0], read[:, 1:]
        inside = (story > 0).any(-1)
        # Sentences of zeros are expected at the end; a story without any counts as one empty sentence.
        context, _ = self.story(sentences, lengths=inside.sum(1).clamp(min=1))
        values = torch.cat([sentences, context], dim=-1)
        relevant = torch.tanh(self.key(values) + self.query(asked).unsqueeze(1))
        attention = self.weigh(relevant).squeeze(-1).masked_fill(~inside, -1e9).softmax(-1)
        found = (attention.unsqueeze(-1) * values).sum(1)
        hidden = torch.tanh(self.mix(torch.cat([found, asked], dim=-1)))
        scores: Tensor = self.head(self.dropout(hidden))
        return scores, attention

    def _read(self, sentences: Tensor) -> Tensor:
        """(batch, sentences, words) integers → (batch, sentences, 2 × hidden): the states at the ends."""
        rows = sentences.flatten(0, 1)
        lengths = (rows > 0).sum(1).clamp(min=1)
        _, state = self.sentences(self.dropout(self.embedding(rows)), lengths=lengths)
        read: Tensor = state[0].transpose(0, 1).flatten(1)
        return read.reshape(*sentences.shape[:2], read.shape[-1])

    def extra_repr(self) -> str:
        """Sizes, for `print(module)`."""
        return f"words={self.words}, answers={self.answers}, words_a_sentence={self.words_a_sentence}"
