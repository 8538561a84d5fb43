"""Find the names in a text: a recurrent tagger with characters and a CRF, for entities of any kinds."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset

from edgernn.errors import InputError
from edgernn.features.tags import OUTSIDE, Entity, Scheme, kinds_of, split_tag, tag_names, tags_of
from edgernn.features.tokens import TokenNumbers, token_vocabulary, tokens
from edgernn.files import write_text
from edgernn.models import Tagger
from edgernn.training.classification import digest
from edgernn.training.dictionary import EntityDictionary
from edgernn.training.metrics.entities import entity_scores, scores_by_type
from edgernn.training.options import TrainingOptions, option
from edgernn.training.recipe import Metadata, Prepared, Recipe, Unlabelled, locate_data
from edgernn.training.records import read_lines
from edgernn.training.splits import split_at_random
from edgernn.training.tagged_texts import TaggedSentence, read_tagged

DETAILS_FILE = "entities.csv"
_SCORED_AT_ONCE = 64


@dataclass(frozen=True)
class Options(TrainingOptions):
    """Options of the ner recipe."""

    test_data: str = option(
        "", "Sentences that are only scored; without it a share of the data is put aside."
    )
    validation_data: str = option("", "Sentences that choose the epoch; without it a share is put aside.")
    test_size: float = option(0.1, "Share of the sentences put aside for the scores.", above=0, below=1)
    validation_size: float = option(
        0.1, "Share of the sentences put aside to choose the epoch.", above=0, below=1
    )
    split_seed: int = option(0, "Seed of what is put aside; apart from the seed of training.", minimum=0)
    encoding: str = option("utf-8", "Encoding of the files.")
    tag_form: Literal["auto", "bio", "iob1", "bioes"] = option(
        "auto", "How the file's tags are meant: in iob1 entities may begin with I; auto: by what it holds."
    )
    words_key: str = option("tokens", "Key of a .jsonl file's objects that holds the words.")
    tags_key: str = option("tags", "Key of a .jsonl file's objects that holds the tags.")
    texts: tuple[str, ...] = option(
        (), "Pre-training: further files; .conll and .jsonl as the data, of others each line is a sentence."
    )
    scheme: Literal["bio", "bioes"] = option(
        "bioes", "Tags that the network learns: bio, or bioes, which also marks ends."
    )
    minimum_count: int = option(1, "Times that a word must stand in the texts to be told apart.", minimum=1)
    vocabulary_size: int = option(20000, "Most words that are told apart.", minimum=3)
    bytes_a_word: int = option(16, "Bytes that stand for a word; long ones lose their middle.", minimum=2)
    longest: int = option(120, "Most words of a sentence that are learned from.", minimum=1)
    cell: str = option("lstm", "Recurrent cell: lstm, gru, rnn, or another of edgernn.cells.")
    word_size: int = option(64, "Numbers that stand for a word.", minimum=1)
    character_size: int = option(24, "Numbers that stand for a byte.", minimum=1)
    characters: Literal["recurrent", "convolution"] = option(
        "recurrent", "How a word's bytes are read; convolution can stream."
    )
    character_hidden_size: int = option(24, "Size of what reads a word's bytes, a direction.", minimum=1)
    hidden_size: int = option(64, "Size of a recurrent layer over words, a direction.", minimum=1)
    num_layers: int = option(1, "Recurrent layers over words.", minimum=1)
    bidirectional: bool = option(True, "Whether a second cell reads from the end to the start.")
    lookahead: int = option(0, "Words after the current one that a convolution sees.", minimum=0)
    decoder: Literal["viterbi", "so-far"] = option(
        "viterbi", "viterbi: the best tags of the sentence; so-far: of what was read, which can stream."
    )
    constrained: bool = option(True, "Whether tags that may not follow each other never do.")
    dropout: float = option(0.5, "Dropout around and between recurrent layers.", minimum=0, below=1)
    word_dropout: float = option(0.1, "Share of words taken for unknown in training.", minimum=0, below=1)
    length_buckets: bool = option(True, "Whether sentences of like length share a batch.")
    max_epochs: int = option(30, "Most passes over the training part.", minimum=1)
    patience: int = option(10, "Epochs without a better validation loss before training stops.", minimum=1)
    batch_size: int = option(16, "Sentences a training step.", minimum=1)
    learning_rate: float = option(0.005, "Step size of the optimiser, the schedule's largest.", above=0)
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = option(
        "one-cycle", "How the learning rate changes over training."
    )
    # A network this small gains little from a second thread.
    threads: int | None = option(1, "CPU threads that training uses; none: torch's choice.", minimum=1)


class Sentences(Dataset):
    """Sentences as numbers: a sample is (words, bytes, tags), over the same steps.

    Args:
        sentences: as they were read.
        numbers: of words and bytes.
        tags: names of the tags.
        scheme: that of the tags.
        longest: words that a sample has at most.

    Attributes:
        lengths: words of each sample.
    """

    def __init__(
        self,
        sentences: Sequence[TaggedSentence],
        numbers: TokenNumbers,
        tags: Sequence[str],
        scheme: Scheme,
        longest: int,
    ) -> None:
        self.sentences, self._numbers = list(sentences), numbers
        self.lengths = [min(longest, len(sentence.words)) for sentence in sentences]
        known = {tag: number for number, tag in enumerate(tags)}
        self._samples = [
            tuple(part[:longest] for part in (*self.inputs(item), _tag_numbers(item, scheme, known)))
            for item in sentences
        ]

    def inputs(self, sentence: TaggedSentence) -> tuple[Tensor, Tensor]:
        """The numbers of a sentence's words and bytes, all of them."""
        words = sentence.words
        return torch.tensor(self._numbers.words(words)), torch.tensor(self._numbers.characters(words))

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        return self._samples[index]


@dataclass(frozen=True)
class NerData(Prepared):
    """The data sets, and the dictionary that the network must beat."""

    dictionary: EntityDictionary


class Ner(Recipe[Options, NerData]):
    """Entities in sentences."""

    summary = "Find named entities: sentences with BIO tags (CoNLL) or JSON lines of tokens and tags."
    options_type = Options
    objectives = ("next-word",)
    data_options: ClassVar[tuple[str, ...]] = (
        "test_data", "validation_data", "encoding", "tag_form", "texts",
    )  # fmt: skip

    def prepare(self, options: Options, data: Path | None) -> NerData:
        """Read and split the sentences, and choose the vocabulary from the training part."""
        return self._prepare(options, data, None, True)

    def prepare_like(
        self, options: Options, data: Path | None, known: Metadata, new_labels: bool = False
    ) -> NerData:
        """As `prepare`, with the vocabulary of a network that is trained already."""
        return self._prepare(options, data, known, new_labels)

    def _prepare(
        self, options: Options, data: Path | None, known: Metadata | None, new_labels: bool
    ) -> NerData:
        parts = _split(options, data)
        tags = known.labels if known is not None and not new_labels else _tags(options, parts[0])
        vocabulary = _vocabulary(options, [sentence.words for sentence in parts[0]], known)
        numbers = TokenNumbers(vocabulary, options.bytes_a_word)
        train, validation, test = (
            Sentences(part, numbers, tags, options.scheme, options.longest) for part in parts
        )
        return NerData(
            train=train,
            validation=validation,
            test=test,
            arguments=_arguments(options, len(vocabulary), tags),
            metadata=Metadata(task="ner", labels=tuple(tags), vocabulary=vocabulary),
            source=f"{sum(map(len, parts))} sentences with entities of {len(kinds_of(tags))} kinds in {data}",
            fingerprint=digest(tags, *((item.words, item.entities) for part in parts for item in part)),
            example=_example(test, len(vocabulary)),
            dictionary=EntityDictionary((item.words, item.entities) for item in parts[0]),
        )

    def unlabelled(self, options: Options, data: Path | None, known: Metadata | None) -> Unlabelled:
        """The sentences of the training part and of further texts, without their tags."""
        train, *_ = _split(options, data)
        sentences = [item.words for item in train]
        for name in options.texts:
            path = locate_data(name)
            assert path is not None
            sentences += _words_of(path, options)
        vocabulary = _vocabulary(options, sentences, known)
        numbers = TokenNumbers(vocabulary, options.bytes_a_word)
        return Unlabelled(
            sequences=[_joined(words[: options.longest], numbers) for words in sentences],
            arguments=_arguments(options, len(vocabulary), (OUTSIDE,)),
            metadata=Metadata(task="ner", vocabulary=vocabulary),
            source=f"{len(sentences)} sentences without tags in {', '.join([str(data), *options.texts])}",
            fingerprint=digest(sentences),
        )

    def build(self, arguments: dict[str, Any]) -> Tagger:
        """The network: embeddings, characters, recurrent layers and a CRF."""
        return Tagger(**arguments)

    def predict(self, model: nn.Module, batch: Any) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Scores of the tags at each word, and the tags and where they are."""
        assert isinstance(model, Tagger)
        words, characters, tags = batch
        return model.emissions(words, characters), (tags, words > 0)

    def loss(self, model: nn.Module, output: Tensor, target: tuple[Tensor, Tensor]) -> Tensor:
        """Negative log likelihood of the tags, a word."""
        assert isinstance(model, Tagger)
        tags, inside = target
        return model.crf.negative_log_likelihood(output, tags, inside).sum() / inside.sum()

    def loss_weight(self, model: nn.Module, target: tuple[Tensor, Tensor]) -> Tensor:
        """How many words there are."""
        return target[1].sum()

    def collate(self) -> Callable[[list[Any]], Any]:
        """Words, bytes and tags, filled up with zeros on the right."""
        return _padded

    def lengths(self, part: Dataset, options: Options) -> Sequence[int] | None:
        """Words of each sentence, where the options ask for batches of like length."""
        return _sentences(part).lengths if options.length_buckets else None

    @torch.no_grad()
    def tag(self, model: nn.Module, part: Sentences, names: Sequence[str]) -> list[list[str]]:
        """What the network says of each sentence of a part, whole: the tags of its words."""
        found: list[list[str]] = []
        for numbers in torch.arange(len(part)).split(_SCORED_AT_ONCE):
            words, characters = _padded([part.inputs(part.sentences[int(n)]) for n in numbers])
            for row, length in zip(model(words, characters)["tags"], (words > 0).sum(1), strict=True):
                found.append([names[n] for n in row[:length].tolist()])
        return found

    def score(self, model: nn.Module, prepared: NerData) -> dict[str, float]:
        """Precision, recall and F1 over entities of the test part: the network's, and the dictionary's."""
        test = _sentences(prepared.test)
        known = [prepared.dictionary.find(item.words) for item in test.sentences]
        given = {"": self.tag(model, test, prepared.metadata.labels), "/dictionary": _as_tags(test, known)}
        truth = _true_tags(test)
        return {
            f"{name}{suffix}": value
            for suffix, found in given.items()
            for name, value in entity_scores(found, truth).items()
        }

    def write_details(self, model: nn.Module, prepared: NerData, folder: Path) -> None:
        """Write entities.csv: precision, recall and F1 of each kind of entity on the test part."""
        test = _sentences(prepared.test)
        scores = scores_by_type(self.tag(model, test, prepared.metadata.labels), _true_tags(test))
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["kind", "precision", "recall", "f1", "entities"])
        for kind, found in scores.items():
            row = [f"{found[name]:.4f}" for name in ("precision", "recall", "f1")]
            writer.writerow([kind, *row, int(found["entities"])])
        write_text(folder / DETAILS_FILE, text.getvalue())


def _as_tags(part: Sentences, found: Iterable[Sequence[Entity]]) -> list[list[str]]:
    """Entities of each sentence of a part as its words' tags."""
    return [tags_of(row, len(item.words)) for item, row in zip(part.sentences, found, strict=True)]


def _true_tags(part: Sentences) -> list[list[str]]:
    return _as_tags(part, (item.entities for item in part.sentences))


def _read(options: Options, path: Path) -> list[TaggedSentence]:
    return read_tagged(
        path,
        form=options.tag_form,
        encoding=options.encoding,
        words_key=options.words_key,
        tags_key=options.tags_key,
    )


def _words_of(path: Path, options: Options) -> list[tuple[str, ...]]:
    """The sentences of a file, without tags."""
    if path.suffix.lower() in (".conll", ".jsonl"):
        return [item.words for item in _read(options, path)]
    lines = (tokens(line) for _, line in read_lines(path, options.encoding))
    return [tuple(token.text for token in line) for line in lines if line]


def _joined(words: Sequence[str], numbers: TokenNumbers) -> Tensor:
    """(words, 1 + bytes): the number of each word, and those of its bytes."""
    return torch.cat(
        [torch.tensor(numbers.words(words)).unsqueeze(1), torch.tensor(numbers.characters(words))], dim=1
    )


def _vocabulary(
    options: Options, sentences: Sequence[Sequence[str]], known: Metadata | None
) -> tuple[str, ...]:
    if known is not None:
        return known.vocabulary
    return token_vocabulary(sentences, minimum_count=options.minimum_count, size=options.vocabulary_size)


def _arguments(options: Options, words: int, tags: Sequence[str]) -> dict[str, Any]:
    same = (
        "bytes_a_word", "word_size", "character_size", "character_hidden_size", "hidden_size", "cell",
        "num_layers", "bidirectional", "characters", "decoder", "lookahead", "constrained", "dropout",
        "word_dropout",
    )  # fmt: skip
    return {"words": words, "tags": list(tags), **{name: getattr(options, name) for name in same}}


def _split(options: Options, data: Path | None) -> tuple[list[TaggedSentence], ...]:
    """The training, validation and test part."""
    if data is None:
        raise InputError(
            "data: this recipe comes without data. Name yours with --data: a file with a word and its tag a "
            "line and an empty line behind each sentence, or a .jsonl file of tokens and tags."
        )
    train = _read(options, data)
    total = len(train)
    parts = []
    for name in ("test", "validation"):
        file, share = getattr(options, f"{name}_data"), getattr(options, f"{name}_size")
        if file:
            path = locate_data(file)
            assert path is not None
            parts.append(_read(options, path))
            continue
        kept, aside = split_at_random(len(train), round(share * total), options.split_seed, name)
        parts.append([train[n] for n in aside])
        train = [train[n] for n in kept]
    test, validation = parts
    return train, validation, test


def _tags(options: Options, sentences: Sequence[TaggedSentence]) -> tuple[str, ...]:
    """The tags that sentences to learn from ask for."""
    kinds = sorted({entity.kind for sentence in sentences for entity in sentence.entities})
    if not kinds:
        raise InputError(
            f"data: none of the {len(sentences)} sentences to learn from holds an entity; all tags are O."
        )
    return tag_names(kinds, options.scheme)


def _tag_numbers(sentence: TaggedSentence, scheme: Scheme, known: dict[str, int]) -> Tensor:
    names = tags_of(sentence.entities, len(sentence.words), scheme)
    for name in names:
        if name not in known:
            kinds = ", ".join(kinds_of(known))
            raise InputError(
                f"data: {sentence.where}: the sentence holds an entity of the kind {split_tag(name)[1]!r}, "
                f"which is none of those that are learned: {kinds}. Add sentences with it to the training "
                "data, or finetune the network on it."
            )
    return torch.tensor([known[name] for name in names])


def _padded(samples: list[Any]) -> tuple[Tensor, ...]:
    return tuple(pad_sequence(list(part), batch_first=True) for part in zip(*samples, strict=True))


def _example(test: Sentences, vocabulary: int) -> tuple[Tensor, ...]:
    """Real sentences, and every number of words and bytes within the ranges that the manifest gives."""
    words, characters, _ = _padded([test[n] for n in range(min(2, len(test)))])
    limits = torch.zeros_like(words[:1]), torch.zeros_like(characters[:1])
    limits[0][0, 0], limits[1][0, 0, 0] = vocabulary - 1, 256
    return torch.cat([words, limits[0]]), torch.cat([characters, limits[1]])


def _sentences(part: Dataset) -> Sentences:
    assert isinstance(part, Sentences)
    return part


RECIPE = Ner()
