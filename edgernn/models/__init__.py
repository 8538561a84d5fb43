"""Networks by the shape of their task, one file each."""

from __future__ import annotations

from edgernn.models.forecaster import Forecaster
from edgernn.models.language_model import LanguageModel
from edgernn.models.sensor_classifier import SensorClassifier
from edgernn.models.story_reader import StoryReader
from edgernn.models.text_classifier import TextClassifier

__all__ = ["Forecaster", "LanguageModel", "SensorClassifier", "StoryReader", "TextClassifier"]
