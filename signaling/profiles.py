"""Which personas there are: the profiles of the settings, and what was added, edited and removed since."""

import os
from collections.abc import Sequence
from pathlib import Path

import structlog

from cognition.persona.profile import Persona, ProfileError, load_persona, parse_persona

__all__ = ["Profiles"]

_REMOVED = ".removed"

_log = structlog.get_logger()


class Profiles:
    """The profiles of a server.

    Args:
        given: profile files that the settings name.
        added: the directory of those that were added or edited while a server ran, made at the first. `ID.toml` is a
            profile, in place of a given one of that id; `ID.removed` says that a given one was removed.
    """

    def __init__(self, given: Sequence[Path], added: Path) -> None:
        self._given = given
        self._added = added

    def load(self) -> tuple[Persona, ...]:
        """All personas in order of precedence; an added profile that cannot be used is logged and left out.

        Raises:
            ProfileError: a given profile cannot be used.
        """
        given = [load_persona(path) for path in self._given]
        changed = self._changed()
        removed = {path.stem for path in self._added.glob(f"*{_REMOVED}")}
        personas = {each.id: changed.pop(each.id, each) for each in given if each.id not in removed}
        return tuple((personas | changed).values())

    def read(self, id: str, text: str) -> Persona:
        """The persona that a profile describes.

        Raises:
            ProfileError: it cannot be used.
        """
        return parse_persona(id, text.encode("utf-8", "surrogatepass"), id)

    def keep(self, id: str, text: str) -> None:
        """Keeps a profile that was read, from now on.

        Raises:
            ProfileError: it cannot be written.
        """
        try:
            self._added.mkdir(parents=True, exist_ok=True, mode=0o700)
            _replace(self._added / f"{id}.toml", text)
            (self._added / f"{id}{_REMOVED}").unlink(missing_ok=True)
        except OSError as error:
            raise ProfileError(f"{self._added}: cannot be written: {error.strerror or error}") from error

    def remove(self, id: str) -> None:
        """Removes a persona, from now on.

        Raises:
            ProfileError: that cannot be written.
        """
        try:
            self._added.mkdir(parents=True, exist_ok=True, mode=0o700)
            if any(path.stem.lower() == id for path in self._given):
                _replace(self._added / f"{id}{_REMOVED}", "")
            (self._added / f"{id}.toml").unlink(missing_ok=True)
        except OSError as error:
            raise ProfileError(f"{self._added}: cannot be written: {error.strerror or error}") from error

    def _changed(self) -> dict[str, Persona]:
        found: dict[str, Persona] = {}
        for path in sorted(self._added.glob("*.toml")):
            try:
                persona = load_persona(path)
            except ProfileError as error:
                _log.error("profile left out", reason=str(error))
                continue
            found[persona.id] = persona
        return found


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
