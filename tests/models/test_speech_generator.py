"""SpeechGenerator: texts of a batch do not touch each other, and its parts are what an app runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import edgernn
from edgernn.models.speech_generator import SpeechGenerator
from edgernn.runtime.network import Network, load_network
from edgernn.speech import SpeechSynthesizer
from edgernn.training.recipe import Metadata
from edgernn.training.speaking import voice_of
from tests.once import made_once

VOCABULARY = ("<other>", " ", *"abcde")


def network() -> SpeechGenerator:
    torch.manual_seed(0)
    made = SpeechGenerator(
        len(VOCABULARY), 8000, 100, 20, embedding_size=6, text_size=5, hidden_size=7, num_layers=1,
        vocoder_size=6, harmonics=5,
    )  # fmt: skip
    with torch.no_grad():
        made.text.duration.bias.fill_(1.2)
    return made.eval()


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Network:
    def make(into: Path) -> None:
        metadata = {"task": "speech-generate", "vocabulary": VOCABULARY}
        example = torch.randint(1, len(VOCABULARY), (2, 9), generator=torch.Generator().manual_seed(1))
        edgernn.export_folder(network(), into / "voice", example, metadata=metadata)

    return load_network(made_once(tmp_path_factory, "speech-generator", make) / "voice")


@torch.no_grad()
def test_a_filled_up_text_is_what_it_is_alone() -> None:
    made = network()
    long, short = torch.tensor([[1, 2, 3, 4, 5, 6, 1]]), torch.tensor([[1, 4, 2, 1]])
    rows = torch.cat([long, torch.nn.functional.pad(short, (0, 3))])
    vectors, durations = made.text(rows, torch.tensor([7, 4]))
    for row, text in enumerate((long, short)):
        alone, lasts = made(text)
        torch.testing.assert_close(vectors[row : row + 1, : text.shape[1]], alone)
        torch.testing.assert_close(durations[row : row + 1, : text.shape[1]], lasts)


@pytest.mark.slow
def test_the_parts_say_what_torch_says_in_pieces_of_any_size(voice: Network) -> None:
    spoken = SpeechSynthesizer.of(voice)
    by_torch = voice_of(network(), Metadata("speech-generate", vocabulary=VOCABULARY))
    ways: list[dict[str, Any]] = [{}, {"pitch": 1.4, "speed": 0.7, "seed": 3}]
    for way in ways:
        expected = by_torch.say("abba cede", **way)
        assert len(expected) > 1000
        for chunk in (1, 5, 64):
            pieces = list(spoken.stream("abba cede", chunk=chunk, **way))
            assert {len(piece) for piece in pieces[:-1]} <= {100 * chunk}
            np.testing.assert_allclose(np.concatenate(pieces), expected, atol=2e-5)
    other = by_torch.say("abba cede", seed=4)
    assert np.abs(other - by_torch.say("abba cede")).max() > 1e-3


@pytest.mark.slow
def test_speed_shortens_and_pitch_leaves_the_length(voice: Network) -> None:
    spoken = SpeechSynthesizer.of(voice)
    plain = len(spoken.say("abcde"))
    assert len(spoken.say("abcde", pitch=1.5)) == plain
    assert abs(len(spoken.say("abcde", speed=2.0)) - plain / 2) <= 100
    assert abs(len(spoken.say("abcde", speed=0.5)) - plain * 2) <= 100
