"""Networks by the shape of their task, one file each."""

from __future__ import annotations

from edgernn.models.forecaster import Forecaster
from edgernn.models.keyword_spotter import KeywordSpotter
from edgernn.models.sensor_classifier import SensorClassifier
from edgernn.models.speech_recognizer import SpeechRecognizer
from edgernn.models.text_classifier import TextClassifier

__all__ = ["Forecaster", "KeywordSpotter", "SensorClassifier", "SpeechRecognizer", "TextClassifier"]
