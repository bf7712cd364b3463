import stat
import threading
from pathlib import Path

import pytest

from signaling.settings import Settings, SettingsError, load_settings, signing_key


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    (tmp_path / "config" / "continuum").mkdir(parents=True)
    return tmp_path


def write_config(home: Path, text: str) -> Path:
    path = home / "config" / "continuum" / "config.toml"
    path.write_text(text)
    return path


def wrong(**said: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(**said)
    return caught.value.lines


def test_nothing_has_to_be_set() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.lan) == ("127.0.0.1", 8200, False)
    assert settings.ice_servers == ()
    assert settings.reply.speculative
    assert settings.reply.prefill
    assert settings.speech.window == "fitted"
    assert settings.weights.given() == {}


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(home, 'port = 1001\nroom_size = 4\nhost = "::1"')
    monkeypatch.setenv("CONTINUUM_PORT", "1002")
    monkeypatch.setenv("CONTINUUM_ROOM_SIZE", "5")
    settings = load_settings(port=1003, lan=None)
    assert (settings.port, settings.room_size, settings.host) == (1003, 5, "::1")


def test_nested_settings_come_from_the_environment_and_the_file_together(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(home, '[reply]\nmax_tokens = 64\n[weights]\nlanguage_model = "/models/better.gguf"')
    monkeypatch.setenv("CONTINUUM_REPLY__PREFILL", "off")
    monkeypatch.setenv("CONTINUUM_WEIGHTS__SPEECH_TO_TEXT", "/models/whisper")
    settings = load_settings()
    assert settings.reply.max_tokens == 64
    assert not settings.reply.prefill
    assert settings.weights.given() == {
        "language-model": Path("/models/better.gguf"),
        "speech-to-text": Path("/models/whisper"),
    }


def test_ice_servers_come_from_the_file(home: Path) -> None:
    write_config(
        home, '[[ice_servers]]\nurls = ["turn:relay.example:3478"]\nusername = "u"\ncredential = "c"'
    )
    (server,) = load_settings().ice_servers
    assert (server.urls, server.username, server.credential) == (("turn:relay.example:3478",), "u", "c")


def test_every_error_is_one_line_that_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTINUUM_PORT", "http")
    monkeypatch.setenv("CONTINUUM_REPLY__MAX_TOKENS", "0")
    monkeypatch.setenv("CONTINUUM_SPEECH__VOICE", "choir")
    monkeypatch.setenv("CONTINUUM_PROT", "1")
    lines = wrong()
    assert len(lines) == 4
    assert not any("\n" in line for line in lines)
    for name in (
        "CONTINUUM_PORT",
        "CONTINUUM_REPLY__MAX_TOKENS",
        "CONTINUUM_SPEECH__VOICE",
        "CONTINUUM_PROT",
    ):
        assert any(name in line for line in lines)


@pytest.mark.parametrize(
    "value",
    ["nonsense", "[{}]", '[{"urls": ["http://x"]}]', '[{"urls": []}]', '[{"urls": ["turn:relay.example"]}]'],
)
def test_an_ice_server_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("CONTINUUM_ICE_SERVERS", value)
    assert any("ice_servers" in line for line in wrong())


@pytest.mark.parametrize("value", ["[" * 10_000, f"[{'9' * 5_000}]", "9" * 5_000])
def test_a_variable_with_bottomless_json_or_endless_numbers_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("CONTINUUM_ICE_SERVERS", value)
    (line,) = wrong()
    assert "ice_servers" in line.lower()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 1", "prot"),
        ("[reply]\nsped = 1", "reply.sped"),
        ("port = [", "config.toml"),
        ("port = 0", "port"),
        ("room_size = 100000", "room_size"),
        (f"port = {'[' * 10_000}", "nested too deeply"),
        ("reply = " + "{a = " * 10_000, "nested too deeply"),
        (f"port = {'9' * 5_000}", "5000 digits"),
        (f"port = 0x{'f' * 5_000}", "port"),
        ("port = 1e999", "port"),
    ],
)
def test_a_wrong_file_is_named(home: Path, text: str, said: str) -> None:
    write_config(home, text)
    (line,) = wrong()
    assert said in line
    assert "config.toml" in line


def test_a_file_that_is_no_text_is_named(home: Path) -> None:
    write_config(home, "").write_bytes(b"\xff\xfe\x00")
    (line,) = wrong()
    assert "config.toml" in line


def test_personas_are_files_or_directories_of_them(home: Path) -> None:
    several = home / "several"
    several.mkdir()
    for name in ("b.toml", "a.toml", "notes.txt"):
        (several / name).touch()
    one = home / "one.toml"
    one.touch()
    settings = load_settings(personas=(several, one))
    assert settings.persona_paths() == (several / "a.toml", several / "b.toml", one)


def test_a_persona_that_is_not_there_is_named(home: Path) -> None:
    with pytest.raises(SettingsError, match=r"nobody\.toml"):
        load_settings(personas=(home / "nobody.toml",)).persona_paths()


def test_the_signing_key_is_made_once_and_only_for_this_user() -> None:
    settings = load_settings()
    key = signing_key(settings)
    path = settings.state_dir / "key"
    assert len(key) >= 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert signing_key(settings) == key
    assert [file.name for file in settings.state_dir.iterdir()] == ["key"]


def test_processes_that_start_together_agree_on_one_key() -> None:
    settings = load_settings()
    keys: list[bytes] = []
    threads = [threading.Thread(target=lambda: keys.append(signing_key(settings))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 1
    assert len(keys) == 16


def test_a_key_that_others_can_read_is_refused() -> None:
    settings = load_settings()
    signing_key(settings)
    (settings.state_dir / "key").chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        signing_key(settings)


def test_a_key_that_is_too_short_is_refused() -> None:
    settings = load_settings()
    signing_key(settings)
    (settings.state_dir / "key").write_bytes(b"short")
    with pytest.raises(SettingsError, match="too short"):
        signing_key(settings)


def test_a_state_directory_that_cannot_be_made_is_said(home: Path) -> None:
    (home / "taken").touch()
    with pytest.raises(SettingsError, match="cannot be read or made"):
        signing_key(Settings(state_dir=home / "taken"))
