"""Write a folder of numbers that espeak-ng speaks, laid out as LJSpeech, to train a recogniser on.

    python tools/make_speech.py numbers --texts 600
    edgernn train speech-recognise --data numbers --out runs/reader --set units=words

The texts are those that the recipe speech-generate may learn from too: what it is scored on is in neither.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np

from edgernn.files import write_text
from edgernn.sound import write_sound
from edgernn.training.spoken_texts import number_texts
from edgernn.training.voices import Voice, speak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where metadata.csv and wavs/ are written")
    parser.add_argument("--texts", type=int, default=600, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="what is drawn")
    parser.add_argument("--voice", default="en-us", help="a voice of espeak-ng")
    parser.add_argument("--speed", type=int, default=160, help="words a minute")
    parser.add_argument("--pitch", type=int, default=50, help="from 0 to 99")
    parser.add_argument("--sample-rate", type=int, default=16000, help="samples a second")
    parser.add_argument("--silence", type=float, default=0.4, help="seconds before a text, at most")
    asked = parser.parse_args()
    voice = Voice(asked.voice, asked.speed, asked.pitch)
    texts = number_texts(asked.texts, asked.seed, scored=False)
    (asked.folder / "wavs").mkdir(parents=True, exist_ok=True)
    # Without it every first word begins at the first sample, and a reader guesses it from its first sound.
    drawn = random.Random(asked.seed)
    for number, text in enumerate(texts):
        silence = round(drawn.uniform(0, asked.silence) * asked.sample_rate)
        samples = np.pad(speak(text, voice, asked.sample_rate).numpy(), (silence, 0))
        write_sound(asked.folder / "wavs" / f"{number:05d}.wav", samples, asked.sample_rate)
    write_text(
        asked.folder / "metadata.csv",
        "".join(f"{number:05d}|{text}|{text}\n" for number, text in enumerate(texts)),
    )
    print(f"{len(texts)} texts in {asked.folder}")


if __name__ == "__main__":
    main()
