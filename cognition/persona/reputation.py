"""How far a persona is trusted: levels, the least first."""

from typing import Literal, get_args

__all__ = ["LEVELS", "Level"]

Level = Literal["novice", "trusted", "expert", "autonomous"]
"""How far a persona is trusted; see `LEVELS` for their order."""

LEVELS: tuple[Level, ...] = get_args(Level)
