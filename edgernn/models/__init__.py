"""Networks by the shape of their task, one file each."""

from __future__ import annotations

from edgernn.models.crf import LinearChainCRF
from edgernn.models.forecaster import Forecaster
from edgernn.models.sensor_classifier import SensorClassifier
from edgernn.models.tagger import Tagger
from edgernn.models.text_classifier import TextClassifier

__all__ = ["Forecaster", "LinearChainCRF", "SensorClassifier", "Tagger", "TextClassifier"]
