"""The recipe translate: its data, what it learns from, and how it writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from edgernn.errors import InputError
from edgernn.training import find_recipe
from edgernn.training.options import read_options
from edgernn.training.recipe import DATA_FOLDER_VARIABLE


def prepare(data: Path | None, **options: object) -> Any:
    recipe = find_recipe("translate")
    return recipe.prepare(read_options(recipe.options_type, options), data)


def table(folder: Path, rows: int = 40) -> Path:
    path = folder / "pairs.csv"
    lines = [
        f"Satz {number} {'x' * (number % 7)},sentence {number} {'y' * (number % 5)}" for number in range(rows)
    ]
    path.write_text("\n".join(["source,target", *lines]))
    return path


def test_parts_share_no_pair_and_symbols_are_those_of_the_training_part(tmp_path: Path) -> None:
    prepared = prepare(table(tmp_path), symbols="characters")
    parts = [set(part) for part in prepared.pairs]
    assert [len(part) for part in parts] == [34, 2, 4]
    assert not parts[0] & parts[1]
    assert not parts[2] & (parts[0] | parts[1])
    letters = {character for pair in prepared.pairs[0] for character in pair.source + pair.target}
    assert set(prepared.metadata.vocabulary) == {"<other>", "<start>", "<end>", *letters}
    again = prepare(table(tmp_path), symbols="characters")
    assert again.pairs == prepared.pairs
    other = find_recipe("translate").prepare_like(
        read_options(find_recipe("translate").options_type, {"numbers": 30}), None, prepared.metadata
    )
    assert other.metadata.vocabulary == prepared.metadata.vocabulary


def test_numbers_are_learned_where_nobody_gives_data() -> None:
    prepared = prepare(None, numbers=100, largest=500)
    assert "made by the recipe" in prepared.source
    assert ("einundzwanzig", "twenty-one") in {
        (pair.source, pair.target) for part in prepared.pairs for pair in part
    }


def test_long_texts_are_not_learned_from_and_yet_scored(tmp_path: Path) -> None:
    path = table(tmp_path)
    path.write_text(path.read_text() + "\n" + "\n".join(f"{'lang' * 40} {n},long {n}" for n in range(20)))
    prepared = prepare(path, symbols="bytes", longest=60, split_seed=1)
    assert len(prepared.train) < len(prepared.pairs[0])
    assert len(prepared.test) == len(prepared.pairs[2])
    assert max(len(source) for source in prepared.test.sources) > 60
    with pytest.raises(InputError, match="longest"):
        prepare(path, symbols="bytes", longest=2)


def test_small_letters(tmp_path: Path) -> None:
    prepared = prepare(table(tmp_path), symbols="characters", lower=True)
    assert not any(entry.isupper() for entry in prepared.metadata.vocabulary)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "de"}, "de"),
        ({"symbols": "subwords"}, "vocabulary_size"),
        ({"test_data": "nowhere.csv"}, r"nowhere\.csv"),
        ({"scheduled_sampling": 2}, "scheduled_sampling"),
    ],
)
def test_options_that_do_not_fit(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        prepare(table(tmp_path), **options)


def test_the_decoder_reads_more_and_more_of_its_own() -> None:
    recipe = find_recipe("translate")
    options = read_options(recipe.options_type, {"scheduled_sampling": 0.4, "max_epochs": 5})
    model = recipe.build({"symbols": 9, "start": 7, "end": 8, "embedding_size": 4, "hidden_size": 4})
    shares = []
    for epoch in range(5):
        recipe.start_epoch(model, options, epoch)
        shares.append(model.sampled_share)
    assert shares == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_the_loss_is_cross_entropy_and_smoothing_is_for_training() -> None:
    recipe = find_recipe("translate")
    torch.manual_seed(0)
    model = recipe.build({"symbols": 9, "start": 7, "end": 8, "embedding_size": 4, "hidden_size": 4})
    prepared = prepare(None, numbers=40, largest=99)
    pairs = type(prepared.train)([[1, 2], [3]], [[4], [5, 6]], 7, 8, smoothing=0.3)
    batch = recipe.collate()([pairs[0], pairs[1]])
    for training in (False, True):
        model.train(training)
        output, target = recipe.predict(model, batch)
        scores = model(*batch[:3]).detach()
        expected = 0.0
        for row, symbols in enumerate(([4, 8], [5, 6, 8])):
            for step, symbol in enumerate(symbols):
                own, every = scores[row, step, symbol], scores[row, step].mean()
                expected -= float(0.7 * own + 0.3 * every) if training else float(own)
        assert float(recipe.loss(model, output, target).detach()) == pytest.approx(expected / 5, rel=1e-5)
        assert int(recipe.loss_weight(model, target)) == 5


def test_multi30k_is_read_with_its_parts() -> None:
    root = os.environ.get(DATA_FOLDER_VARIABLE)
    data = Path(root or "", "multi30k", "raw")
    if not root or not data.is_dir():
        pytest.skip(f"${DATA_FOLDER_VARIABLE} holds no multi30k")
    prepared = prepare(
        data,
        source="de",
        target="en",
        validation_data="val",
        test_data="test_2016_flickr",
        vocabulary_size=1500,
    )
    assert [len(part) for part in prepared.pairs] == [29000, 1014, 1000]
    assert len(prepared.metadata.vocabulary) == 1502
    assert prepared.metadata.tokenizer
    first = prepared.pairs[2][0]
    assert first.source.startswith("Ein Mann mit einem orangefarbenen Hut")
    assert first.target.startswith("A man in an orange hat")
