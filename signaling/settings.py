"""The one place where settings are read: command line before environment before configuration file."""

import os
import secrets
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings.exceptions import SettingsError as UnreadableError

from signaling.errors import UserError

__all__ = [
    "DocumentSettings",
    "IceServerSettings",
    "Launch",
    "ReplySettings",
    "Settings",
    "SettingsError",
    "SpeechSettings",
    "Tls",
    "WeightSettings",
    "load_settings",
    "signing_key",
]

_PREFIX = "CONTINUUM_"
_LAUNCH = "CONTINUUM_LAUNCH"
_STRICT = ConfigDict(extra="forbid", frozen=True)

WebOrigin = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+$")]
IceUrl = Annotated[str, StringConstraints(pattern=r"^(stun|stuns|turn|turns):[^\s]+$")]


class SettingsError(UserError):
    """Settings that cannot be used; one line an error."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class IceServerSettings(BaseModel):
    """A STUN or TURN server (RFC 7064, RFC 7065)."""

    model_config = _STRICT

    urls: tuple[IceUrl, ...] = Field(min_length=1)
    username: str | None = None
    credential: str | None = None

    @model_validator(mode="after")
    def _relays_need_credentials(self) -> Self:
        if any(url.startswith("turn") for url in self.urls) and (not self.username or not self.credential):
            raise ValueError("a TURN server needs a username and a credential")
        return self


class SpeechSettings(BaseModel):
    """How speech is turned into words and back."""

    model_config = _STRICT

    window: Literal["fitted", "stock"] = "fitted"
    """Whisper's encoder window: as long as the utterance, or the stock 30 s."""
    voice: Literal["piper", "kokoro"] = "piper"


class ReplySettings(BaseModel):
    """How a persona's reply is made."""

    model_config = _STRICT

    speculative: bool = True
    """Transcribe and think from the first pause on, before the turn is decided."""
    prefill: bool = True
    """Feed the prompt to the language model while the person still talks."""
    max_tokens: int = Field(default=160, ge=1, le=1024)


class WeightSettings(BaseModel):
    """Paths of the user's own weights; what is not set comes from the catalogue."""

    model_config = _STRICT

    speech_to_text: Path | None = None
    voice: Path | None = None
    language_model: Path | None = None
    embeddings: Path | None = None
    vad: Path | None = None
    turn: Path | None = None
    voiceprint: Path | None = None
    voice_kokoro: Path | None = None
    hugging_face: str = Field(default="https://huggingface.co", pattern=r"^https?://")
    """Where the publishers' repositories are asked for."""

    def given(self) -> dict[str, Path]:
        """The paths that are set, by role."""
        set_paths = {name: getattr(self, name) for name in type(self).model_fields if name != "hugging_face"}
        return {name.replace("_", "-"): path for name, path in set_paths.items() if path is not None}


class DocumentSettings(BaseModel):
    """A file or folder that the personas may know; the path alone will do."""

    model_config = _STRICT

    path: Path
    room: str = Field(default="", pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$")
    """Where alone it is known; empty for every room."""

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str | Path) else value


def _home(variable: str, fallback: str) -> Path:
    """A base directory (XDG Base Directory Specification)."""
    named = os.environ.get(variable, "")
    return (Path(named) if named.startswith("/") else Path.home() / fallback) / "continuum"


class Settings(BaseModel):
    """Everything that can be set; `CONTINUUM_` and the name in capitals, `__` before a nested one.

    Attributes:
        host: address to listen on; ignored with `lan`.
        port: TCP port of the page and the API.
        lan: serve other machines too, over HTTPS.
        room_size: participants a room holds.
        noise_suppression: take steady noise out of people's sound; 60 µs a frame and speaker, 7 ms of delay.
        ice_servers: none by default: enough on one machine and in one network.
        origins: whose pages may embed the call beside the server's own, such as `https://example.org`.
        state_dir: the signing key and the certificate.
        store_dir: what the personas remember; `state_dir` if not set. A local disk: one process at a time has it.
        index: where what they remember is searched, and built again if it is lost: a directory, or a URI of object
            storage that LanceDB knows, as `s3://bucket/path`, with that provider's usual variables; of this server
            alone. By default beside the store.
        cache_dir: weights are below it.
        personas: profile files, or directories of them; none means those that are shipped.
        documents: files and folders that the personas may know; `continuum documents add` gives others.
    """

    model_config = _STRICT

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8200, ge=1, le=65535)
    lan: bool = False
    room_size: int = Field(default=16, ge=2, le=200)
    noise_suppression: bool = True
    ice_servers: tuple[IceServerSettings, ...] = ()
    origins: tuple[WebOrigin, ...] = ()
    state_dir: Path = Field(default_factory=lambda: _home("XDG_STATE_HOME", ".local/state"))
    store_dir: Path | None = None
    index: str = ""
    cache_dir: Path = Field(default_factory=lambda: _home("XDG_CACHE_HOME", ".cache"))
    personas: tuple[Path, ...] = ()
    documents: tuple[DocumentSettings, ...] = ()
    speech: SpeechSettings = SpeechSettings()
    reply: ReplySettings = ReplySettings()
    weights: WeightSettings = WeightSettings()

    @property
    def weights_dir(self) -> Path:
        """Where the weights are cached."""
        return self.cache_dir.expanduser() / "weights"

    @property
    def beginnings_dir(self) -> Path:
        """Where what personas' prompts begin with is kept, evaluated."""
        return self.cache_dir.expanduser() / "beginnings"

    @property
    def store_path(self) -> Path:
        """The database."""
        return (self.store_dir or self.state_dir).expanduser() / "continuum.db"

    @property
    def profiles_dir(self) -> Path:
        """The profiles of personas that were added or edited while a server ran."""
        return self.state_dir.expanduser() / "personas"

    @property
    def documents_dir(self) -> Path:
        """The list of documents that were given while a server ran, or between."""
        return self.state_dir.expanduser() / "documents"

    @property
    def listen(self) -> str:
        """The address to bind."""
        return "0.0.0.0" if self.lan else self.host

    def persona_paths(self) -> tuple[Path, ...]:
        """The profile files, directories opened out.

        Raises:
            SettingsError: naming each path that is not there.
        """
        given = self.personas or (Path(str(files("cognition.persona") / "profiles")),)
        found: list[Path] = []
        wrong: list[str] = []
        for path in (path.expanduser() for path in given):
            inside = sorted(path.glob("*.toml")) if path.is_dir() else [path] if path.is_file() else []
            if not inside:
                wrong.append(f"personas: no profile at {path}")
            found += inside
        if wrong:
            raise SettingsError(wrong)
        return tuple(found)


class _Sources(Settings, BaseSettings):
    """The same settings, filled from where they can be set."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is said at the call goes first, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=_config_path())


def _config_path() -> Path:
    return _home("XDG_CONFIG_HOME", ".config") / "config.toml"


def load_settings(**said: Any) -> Settings:
    """The settings in force.

    Args:
        **said: what the command line says; `None` means nothing was said.

    Raises:
        SettingsError: one line for each thing that is wrong, naming where it can be set.
    """
    lines = [f"{name}: there is no such setting" for name in _unknown_variables()]
    try:
        read = _Sources(**{name: value for name, value in said.items() if value is not None})
        settings = Settings.model_validate(read.model_dump())
    except ValidationError as error:
        lines += [_line(problem["loc"], problem["msg"]) for problem in error.errors()]
    except (OSError, UnicodeDecodeError) as error:
        lines.append(f"{_config_path()} cannot be read: {error}")
    except UnreadableError as error:
        lines.append(f"{str(error).splitlines()[0]}: it should hold JSON")
    except ValueError as error:
        # What tomllib says of bad TOML, and int of a number with thousands of digits.
        lines.append(f"{_config_path()}: {error}")
    except RecursionError:
        # Raised alike of the file and of a variable that holds JSON.
        variables = ", ".join(sorted(name for name in os.environ if name.upper().startswith(_PREFIX)))
        lines.append(f"{_config_path()}{variables and f' or one of {variables}'}: nested too deeply")
    if lines:
        raise SettingsError(lines)
    return settings


def _unknown_variables() -> list[str]:
    known = {_LAUNCH}
    nested: list[str] = []
    for name, field in Settings.model_fields.items():
        known.add(_PREFIX + name.upper())
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            nested += [f"{_PREFIX}{name}__{inner}".upper() for inner in field.annotation.model_fields]
    known |= set(nested)
    return sorted(
        name for name in os.environ if name.upper().startswith(_PREFIX) and name.upper() not in known
    )


def _line(location: tuple[int | str, ...], message: str) -> str:
    dotted = ".".join(str(part) for part in location)
    field = Settings.model_fields.get(str(location[0])) if location else None
    nested = (
        field is not None and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    )
    variable = _PREFIX + "__".join(str(part) for part in location[: 2 if nested else 1]).upper()
    reason = "there is no such setting" if message.startswith("Extra inputs") else message
    return f"{dotted} ({variable} or {_config_path()}): {reason}"


def signing_key(settings: Settings) -> bytes:
    """The server's key: signs tokens, and is the login of whoever shows it; made at the first call.

    Raises:
        SettingsError: if it cannot be read or made, or others could read it.
    """
    path = settings.state_dir.expanduser() / "key"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_name(f".key.{os.getpid()}.{secrets.token_hex(4)}")
        if not path.exists():
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
            try:
                # Unlike a rename this never replaces the key another process made in the meantime.
                os.link(fresh, path)
            except FileExistsError:
                pass
            finally:
                fresh.unlink()
        if path.stat().st_mode & 0o077:
            raise SettingsError(
                [f"{path} can be read by others: `chmod 600 {path}`, or remove it to get a new one"]
            )
        key = path.read_bytes().strip()
    except OSError as error:
        raise SettingsError([f"the signing key {path} cannot be read or made: {error}"]) from error
    if len(key) < 32:
        raise SettingsError([f"the signing key {path} is too short: remove it to get a new one"])
    return key


class Tls(BaseModel):
    """Where certificate and key are (PEM)."""

    model_config = _STRICT

    certificate: Path
    key: Path


class Launch(BaseModel):
    """What the supervisor hands a child, as JSON in the environment variable `CONTINUUM_LAUNCH`.

    Attributes:
        settings: the settings in force; the child reads no other.
        run_dir: the run directory both children share.
        tls: for the media process, where HTTPS is wanted.
        page: the directory of the built page; None where it is not built.
        ready_fd: a pipe, on which the child says once that it is ready.
    """

    model_config = _STRICT

    settings: Settings
    run_dir: Path
    tls: Tls | None = None
    page: Path | None = None
    ready_fd: int | None = None

    @classmethod
    def from_environment(cls) -> "Launch":
        """What this child was handed.

        Raises:
            SettingsError: if it was started by hand, or the variable holds something else.
        """
        text = os.environ.get(_LAUNCH)
        if text is None:
            raise SettingsError(["this is started by `continuum serve`, not by hand"])
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise SettingsError([f"{_LAUNCH}: {problem['msg']}" for problem in error.errors()]) from error

    def environment(self) -> dict[str, str]:
        """The variable for the child, beside those of this process that are no settings.

        numpy's own threads are few and small jobs here; spinning after each, they would hold up the models.
        """
        others = {"OPENBLAS_NUM_THREADS": "1"} | {
            name: value for name, value in os.environ.items() if not name.upper().startswith(_PREFIX)
        }
        return others | {_LAUNCH: self.model_dump_json()}

    def report_ready(self, line: str) -> None:
        """Says once that this child does its work; `line` is one JSON object without a line break."""
        if self.ready_fd is not None:
            with os.fdopen(self.ready_fd, "w") as pipe:
                pipe.write(line + "\n")
