"""Recordings with texts: every layout read alike, every broken one refused with its line; joined words."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from edgernn.errors import InputError
from edgernn.models import SpeechRecognizer
from edgernn.sound import write_sound
from edgernn.training.transcription import BLANK, Transcribed, encode, padded, text_vocabulary
from edgernn.training.utterances import JoinedWords, has_transcripts, read_utterances
from edgernn.training.whistles import make_pitches

RATE = 8000
TEXTS = {"a": "go on", "b": "stop  it"}


def sounds(folder: Path) -> Path:
    for number, name in enumerate(TEXTS):
        write_sound(folder / f"{name}.wav", np.full(800 * (number + 1), 0.1), RATE)
    return folder


def layouts(folder: Path) -> dict[str, Path]:
    table = sounds(folder / "table")
    (table / "t.csv").write_text("file,text\n" + "".join(f"{n}.wav,{t}\n" for n, t in TEXTS.items()))
    (table / "t.jsonl").write_text(
        "".join(json.dumps({"file": f"{n}.wav", "text": t}) + "\n" for n, t in TEXTS.items())
    )
    (folder / "notes").mkdir()
    (folder / "notes" / "t.json").write_text(
        json.dumps(
            {n: {"file": f"{{data_root}}/{n}.wav", "length": 2.6, "text": t} for n, t in TEXTS.items()}
        )
    )
    libri = sounds(folder / "libri" / "84" / "121")
    (libri / "84-121.trans.txt").write_text("".join(f"{n} {t}\n" for n, t in TEXTS.items()))
    sounds(folder / "lj" / "wavs")
    (folder / "lj" / "metadata.csv").write_text("".join(f"{n}|RAW|{t}\n" for n, t in TEXTS.items()))
    return {
        "csv": table / "t.csv",
        "jsonl": table / "t.jsonl",
        "json": folder / "notes" / "t.json",
        "libri": folder / "libri",
        "lj": folder / "lj",
    }


@pytest.mark.parametrize("layout", ["csv", "jsonl", "json", "libri", "lj"])
def test_every_layout_is_read_alike(layout: str, tmp_path: Path) -> None:
    path = layouts(tmp_path)[layout]
    root = tmp_path / "table" if layout == "json" else None
    assert has_transcripts(path)
    found, rate = read_utterances(path, data_root=root)
    assert rate == RATE
    assert [(u.text, len(u.samples)) for u in found] == [("go on", 800), ("stop it", 1600)]
    # Another rate, where one is asked for.
    assert [len(u.samples) for u in read_utterances(path, 4000, data_root=root)[0]] == [400, 800]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("t.csv", "file,words\na.wav,go\n", "no column 'text'"),
        ("t.csv", "file,text\nc.wav,go\n", r"line 2: no file at .*c\.wav"),
        ("t.csv", "file,text\na.wav,\n", r"line 2: 'text' is empty"),
        (
            "t.csv",
            "file,text\n../lj/wavs/a.wav,go\n",
            r"line 2: .* lies outside .* or another folder with data_root",
        ),
        ("t.csv", "file,text\n/etc/passwd,go\n", r"lies outside"),
        ("t.json", "[1]", r"t\.json': expected .*for each name"),
        ("t.json", '{"a": 1}', r"entry 'a': expected a JSON object, found int"),
        ("t.json", '{"a": {"file": "a.wav"}}', r"entry 'a': there is no key 'text'"),
        ("t.json", '{"a": {"file": "{data_root}/c.wav", "text": "go"}}', r"entry 'a': no file at .*c\.wav"),
        ("t.json", '{"a": ', r"t\.json': no JSON"),
        ("x.trans.txt", "a\n", r"line 1: expected a name, a space and a text"),
        ("x.trans.txt", "a go\nzz on\n", r"line 2: there is no recording 'zz'"),
        ("x.trans.txt", "../a go\n", "is no name of a recording"),
        ("metadata.csv", "a\n", r"line 1: expected name\|text"),
        ("metadata.csv", b"a|\xff\n", r"not utf-8 text: byte 0xFF in line 1"),
    ],
)
def test_what_is_broken_is_named_with_its_line(
    name: str, content: str | bytes, complaint: str, tmp_path: Path
) -> None:
    folder = sounds(tmp_path / "broken")
    sounds(folder / "wavs")
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError, match=complaint):
        read_utterances(folder / name if name.startswith("t.") else folder)


def test_a_folder_of_words_has_no_transcripts(tmp_path: Path) -> None:
    sounds(tmp_path / "yes")
    assert not has_transcripts(tmp_path)
    with pytest.raises(InputError, match="holds neither"):
        read_utterances(tmp_path)


def test_joined_words_are_of_one_speaker_and_as_many_as_asked() -> None:
    words = make_pitches(3, 2, 0, RATE)
    by_samples = {tuple(word.samples[100:110].tolist()): word for word in words}
    joined = JoinedWords(words, RATE, shortest=2, longest=4)
    torch.manual_seed(0)
    counts = set()
    for index in range(30):
        utterance = joined.draw(index % len(words))
        text = utterance.text.split()
        counts.add(len(text))
        assert text[0] == words[index % len(words)].label
        heard = [w for key, w in by_samples.items() if _holds(utterance.samples, w.samples)]
        assert {word.speaker for word in heard} == {words[index % len(words)].speaker}
        assert set(text) == {word.label for word in heard}
    assert counts == {2, 3, 4}
    torch.manual_seed(5)
    first = joined.draw(0)
    torch.manual_seed(5)
    assert torch.equal(first.samples, joined.draw(0).samples)


def _holds(samples: torch.Tensor, part: torch.Tensor) -> bool:
    starts = (samples == part[50]).nonzero().flatten() - 50
    return any(
        start >= 0 and torch.equal(samples[start : start + len(part)], part) for start in starts.tolist()
    )


def test_texts_become_numbers_and_unknown_symbols_are_named() -> None:
    characters = text_vocabulary(["ba", "a c"])
    assert characters == (BLANK, " ", "a", "b", "c")
    assert encode("a b", characters).tolist() == [2, 1, 3]
    words = text_vocabulary(["go on", "on"], "words")
    assert encode("on  go", words).tolist() == [2, 1]
    with pytest.raises(InputError, match=r"'ad' holds 'd', which is none"):
        encode("ad", characters)
    with pytest.raises(InputError, match="'off'"):
        Transcribed([torch.zeros(3)], ["off"], words)


def test_a_batch_is_filled_up_and_its_texts_stand_in_a_row() -> None:
    data = Transcribed([torch.ones(3), torch.ones(5)], ["ab", "b"], (BLANK, "a", "b"))
    sequences, lengths, numbers, counts = padded([data[0], data[1]])
    assert (sequences.shape, lengths.tolist()) == ((2, 5), [3, 5])
    assert (numbers.tolist(), counts.tolist()) == ([1, 2, 2], [2, 1])


def test_a_recogniser_counts_its_steps_and_filling_up_changes_nothing() -> None:
    torch.manual_seed(0)
    for bidirectional in (False, True):
        model = SpeechRecognizer(
            5,
            sample_rate=RATE,
            frame=64,
            hop=24,
            bands=8,
            channels=6,
            hidden_size=7,
            bidirectional=bidirectional,
        ).eval()
        samples = torch.randn(1, 700)
        for count in (64, 87, 88, 300, 700):
            assert model(samples[:, :count]).shape[1] == int(model.steps(torch.tensor([count]))[0])
        steps = model.steps(torch.tensor([304, 700]))
        filled = torch.cat([F.pad(samples[:, :304], (0, 396)), samples])
        both = model.log_probabilities(filled, steps)
        # 304 samples are frames in full: what is behind them is not read, in either direction.
        torch.testing.assert_close(both[:1, : steps[0]], model(samples[:, :304]), atol=1e-5, rtol=0)
        torch.testing.assert_close(both[1:], model(samples), atol=1e-5, rtol=0)


@pytest.mark.skipif("EDGERNN_DATA" not in os.environ, reason="needs the folder of data sets: EDGERNN_DATA")
def test_annotations_of_speechbrain_are_read() -> None:
    folder = Path(os.environ["EDGERNN_DATA"]) / "asr_sentences_mini"
    found, rate = read_utterances(
        folder / "annotation" / "ASR_train.json",
        file_column="wav",
        text_column="words",
        data_root=folder / "ASR",
    )
    assert (len(found), rate) == (8, 16000)
    assert found[0].text == "THE CHILD ALMOST HURT THE SMALL DOG"
    assert len(found[0].samples) / rate == pytest.approx(2.87, abs=0.01)
    with pytest.raises(InputError, match=r"entry 'spk1_snt1': no file at"):
        read_utterances(folder / "annotation" / "ASR_train.json", file_column="wav", text_column="words")
