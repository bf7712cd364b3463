import json
import socket
import subprocess
import sys
from pathlib import Path

import jwt
import pytest
from typer.testing import CliRunner

from signaling.cli import app
from signaling.server.tokens import Tokens
from signaling.settings import load_settings, signing_key

runner = CliRunner()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    return tmp_path


def test_the_help_loads_nothing_heavy() -> None:
    script = "import sys, signaling.cli; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"aiortc", "av", "numpy", "numba", "pydantic", "fastapi", "httpx", "onnxruntime", "llama_cpp"}
    assert heavy & set(loaded.stdout.split()) == set()


def test_the_help_names_every_command() -> None:
    said = runner.invoke(app, ["--help"])
    assert said.exit_code == 0
    for command in ("serve", "call", "doctor", "weights", "token"):
        assert command in said.stdout


@pytest.mark.parametrize(
    "arguments", [["serve", "--port", "x"], ["nonsense"], ["token", "lobby"], ["weights", "fetch", "eyes"]]
)
def test_wrong_usage_is_status_two(arguments: list[str]) -> None:
    assert runner.invoke(app, arguments).exit_code == 2


def test_wrong_settings_are_one_line_each_and_status_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTINUUM_PORT", "x")
    monkeypatch.setenv("CONTINUUM_ROOM_SIZE", "0")
    for command in (["serve"], ["doctor"], ["weights"], ["token", "lobby", "--name", "Ada"]):
        said = runner.invoke(app, command)
        assert said.exit_code == 1
        assert [line.split()[1] for line in said.stderr.splitlines()] == ["port", "room_size"]


def test_a_token_opens_a_seat_for_as_long_as_was_said() -> None:
    said = runner.invoke(app, ["token", "lobby", "--name", "Ada", "--hours", "2"])
    assert said.exit_code == 0
    token = said.stdout.strip()
    claims = Tokens(signing_key(load_settings())).verify(token, "join", room="lobby")
    assert claims.identity == "Ada"
    body = jwt.decode(token, options={"verify_signature": False})
    assert body["exp"] - body["iat"] == 2 * 3600


@pytest.mark.parametrize(
    "arguments", [["no such room!", "--name", "A"], ["lobby", "--name", ""], ["lobby", "--name", "x" * 65]]
)
def test_a_token_for_no_room_or_nobody_is_wrong_usage(arguments: list[str]) -> None:
    assert runner.invoke(app, ["token", *arguments]).exit_code == 2


def test_bare_weights_lists_them() -> None:
    said = runner.invoke(app, ["weights"])
    assert said.exit_code == 0
    assert said.stdout == runner.invoke(app, ["weights", "list"]).stdout
    assert "speech-to-text" in said.stdout
    assert "missing" in said.stdout


def test_verifying_weights_that_are_not_there_is_status_one() -> None:
    said = runner.invoke(app, ["weights", "verify"])
    assert said.exit_code == 1
    assert "continuum weights fetch" in said.stderr
    assert "kokoro" not in said.stdout


def test_serving_on_a_port_in_use_is_one_line(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = runner.invoke(
            app, ["serve", "--port", str(port)], env={"CONTINUUM_PERSONAS": f'["{persona(home)}"]'}
        )
    assert said.exit_code == 1
    assert said.stderr == (
        f"continuum: port {port} of 127.0.0.1 is in use: "
        "end what listens there, or choose another with --port\n"
    )


def test_a_persona_that_is_not_there_is_one_line() -> None:
    said = runner.invoke(app, ["serve"], env={"CONTINUUM_PERSONAS": '["/nowhere.toml"]'})
    assert said.exit_code == 1
    assert said.stderr == "continuum: personas: no profile at /nowhere.toml\n"


def test_a_doctor_that_finds_something_failing_is_status_one() -> None:
    said = runner.invoke(app, ["doctor", "--json"])
    assert said.exit_code == 1
    findings = {finding["name"]: finding for finding in json.loads(said.stdout)["findings"]}
    assert findings["weights"]["state"] == "fail"
    assert findings["network path"]["state"] == "ok"


def test_a_call_with_a_file_that_is_no_wav_is_status_one(home: Path) -> None:
    bad = home / "bad.wav"
    bad.write_bytes(b"RIFFnonsense")
    said = runner.invoke(app, ["call", "lobby", "--wav", str(bad)])
    assert said.exit_code == 1
    assert len(said.stderr.splitlines()) == 1


def persona(home: Path) -> Path:
    path = home / "nova.toml"
    path.write_text('name = "Nova"\ncharacter = "You are brief."\nexpertise = ["stars"]\n')
    return path
