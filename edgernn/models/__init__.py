"""Networks by the shape of their task, one file each."""

from __future__ import annotations

from edgernn.models.anomaly_detector import AnomalyDetector
from edgernn.models.crf import LinearChainCRF
from edgernn.models.denoiser import Denoiser
from edgernn.models.forecaster import Forecaster
from edgernn.models.fusion_classifier import FusionClassifier
from edgernn.models.handwriting_writer import HandwritingWriter
from edgernn.models.keyword_spotter import KeywordSpotter
from edgernn.models.language_model import LanguageModel
from edgernn.models.pen_reader import CharacterReader, TextReader
from edgernn.models.sensor_classifier import SensorClassifier
from edgernn.models.seq2seq import Seq2Seq
from edgernn.models.span_reader import SpanReader
from edgernn.models.speech_generator import SpeechGenerator
from edgernn.models.speech_recognizer import SpeechRecognizer
from edgernn.models.story_reader import StoryReader
from edgernn.models.tagger import Tagger
from edgernn.models.text_classifier import TextClassifier
from edgernn.models.vocoder import Vocoder

__all__ = [
    "AnomalyDetector", "CharacterReader", "Denoiser", "Forecaster", "FusionClassifier", "HandwritingWriter",
    "KeywordSpotter", "LanguageModel", "LinearChainCRF", "SensorClassifier", "Seq2Seq", "SpanReader",
    "SpeechGenerator", "SpeechRecognizer", "StoryReader", "Tagger", "TextClassifier", "TextReader", "Vocoder",
]  # fmt: skip
