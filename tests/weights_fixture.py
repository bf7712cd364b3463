"""The default weights, for tests marked `models`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from signaling.settings import Settings
from signaling.weights_cache import WeightsCache

__all__ = ["WeightsOf", "weights"]

WeightsOf = Callable[[str], Path]


@pytest.fixture(scope="session")
def weights() -> WeightsOf:
    """From a role of the catalogue to the path an engine is handed; fails, with what to do, where it is missing."""
    return WeightsCache(Settings().weights_dir).resolve
