"""What tells an interruption by its first frames: logistic regressions, one a stage."""

import math

import numpy as np

__all__ = ["BIAS", "SCALE", "STAGES", "THRESHOLDS", "WEIGHTS"]

STAGES = (3, 4, 5, 6, 7, 8, 10, 12, 15)
"""Frames of 20 ms after which a decision is made."""
SCALE = np.ones(12, np.float32)
WEIGHTS = np.zeros((len(STAGES), 12), np.float32)
BIAS = (0.0,) * len(STAGES)
THRESHOLDS = (math.inf,) * len(STAGES)
