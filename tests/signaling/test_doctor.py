import json
import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from signaling import doctor
from signaling.doctor import Finding
from signaling.settings import IceServerSettings, Settings, WeightSettings
from signaling.weights_cache import WeightsCache


def test_an_old_python_fails() -> None:
    assert doctor.python_version((3, 10, 9)).state == "fail"
    assert doctor.python_version((3, 11, 0)).state == "ok"
    assert doctor.python_version((3, 14, 1)).state == "ok"


def test_a_slow_processor_is_a_warning() -> None:
    assert doctor.cpu("x86_64", frozenset({"sse2"}), 4).state == "warn"
    assert doctor.cpu("x86_64", frozenset({"avx2"}), 1).state == "warn"
    assert doctor.cpu("x86_64", frozenset({"avx2"}), 2).state == "ok"
    assert doctor.cpu("aarch64", None, 4).state == "ok"


def test_too_little_memory_is_told() -> None:
    assert doctor.memory(500_000_000).state == "fail"
    assert doctor.memory(1_500_000_000).state == "warn"
    assert doctor.memory(8_000_000_000).state == "ok"
    assert doctor.memory(None).state == "ok"


def test_too_little_room_for_what_is_to_be_fetched_fails(tmp_path: Path) -> None:
    assert doctor.disk(tmp_path / "not" / "yet", 1 << 60).state == "fail"
    assert doctor.disk(tmp_path / "not" / "yet", 0).state == "ok"


def test_a_run_directory_that_cannot_be_made_fails(tmp_path: Path) -> None:
    assert doctor.run_base(tmp_path).state == "ok"
    assert doctor.run_base(tmp_path / "nowhere").state == "fail"
    assert list(tmp_path.iterdir()) == []


def serve_health(body: bytes) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (b'{"status": "ok", "mind": "up"}', "ok"),
        (b"<html>somebody else</html>", "fail"),
        (b'{"status": "fine"}', "fail"),
        (b"[]", "fail"),
    ],
)
def test_a_port_taken_by_our_own_server_is_well(body: bytes, state: str) -> None:
    server = serve_health(body)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        assert doctor.port("127.0.0.1", server.server_address[1]).state == state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_free_port_is_well_and_a_foreign_address_is_not() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    assert doctor.port("127.0.0.1", free).state == "ok"
    assert doctor.port("192.0.2.77", free).state == "fail"
    assert doctor.port("no-such-host.invalid", free).state == "fail"


def test_a_port_whose_owner_does_not_speak_http_fails_in_seconds() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert doctor.port("127.0.0.1", silent.getsockname()[1]).state == "fail"


def test_candidates_are_really_gathered_loopback_too() -> None:
    finding = doctor.network(Settings())
    assert finding.state == "ok"
    assert "127.0.0.1" in finding.detail


def test_a_stun_server_that_does_not_answer_is_a_warning() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        url = f"stun:127.0.0.1:{silent.getsockname()[1]}"
        finding = doctor.network(Settings(ice_servers=(IceServerSettings(urls=(url,)),)))
    assert finding.state == "warn"
    assert "STUN" in finding.advice


def test_an_ice_server_that_cannot_be_used_fails() -> None:
    server = IceServerSettings(urls=("stun:nobody@relay:port",))
    assert doctor.network(Settings(ice_servers=(server,))).state == "fail"


def test_missing_weights_fail_and_say_what_to_do(tmp_path: Path) -> None:
    settings = Settings(cache_dir=tmp_path, weights=WeightSettings(voice=tmp_path / "gone.onnx"))
    finding = doctor.weights(settings, WeightsCache(settings.weights_dir))
    assert finding.state == "fail"
    assert "language-model: missing" in finding.detail
    assert "gone.onnx" in finding.detail
    assert "fetch" in finding.advice


def test_a_profile_that_cannot_be_used_is_said_and_ends_nothing(tmp_path: Path) -> None:
    profile = tmp_path / "eve.toml"
    profile.write_text("name = 3")
    settings = Settings(cache_dir=tmp_path, personas=(profile,))
    finding = doctor.weights(settings, WeightsCache(settings.weights_dir))
    assert (finding.state, "eve.toml" in finding.detail) == ("fail", True)
    assert "CONTINUUM_PERSONAS" in finding.advice
    assert doctor._missing_bytes(settings, WeightsCache(settings.weights_dir)) == 0


def test_a_page_older_than_its_sources_is_a_warning(tmp_path: Path) -> None:
    page = tmp_path / "web" / "dist"
    assert doctor.browser_build(page).state == "fail"
    page.mkdir(parents=True)
    (page / "index.html").touch()
    source = tmp_path / "web" / "src" / "client" / "call.ts"
    source.parent.mkdir(parents=True)
    source.touch()
    os.utime(source, (1, 1))
    assert doctor.browser_build(page).state == "ok"
    os.utime(page / "index.html", (0, 0))
    finding = doctor.browser_build(page)
    assert finding.state == "warn"
    assert finding.detail == "older than src/client/call.ts"
    (other := source.with_name("room.ts")).touch()
    os.utime(other, (1, 1))
    assert doctor.browser_build(page).detail == "older than src/client/call.ts and 1 more"


def test_an_engine_that_cannot_be_loaded_fails_even_if_it_crashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "good_engine.py").write_text("__version__ = '1.2'")
    (tmp_path / "bad_engine.py").write_text("raise ImportError('no libfoo')")
    (tmp_path / "crashing_engine.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGILL)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert doctor.engine("good_engine", "good", "mind") == Finding("good", "ok", "loads 1.2")
    bad = doctor.engine("bad_engine", "bad", "mind")
    assert (bad.state, bad.detail) == ("fail", "ImportError: no libfoo")
    crashing = doctor.engine("crashing_engine", "crashing", "mind")
    assert crashing.state == "fail"
    assert "crashes" in crashing.detail


def test_a_missing_optional_program_is_no_fault() -> None:
    finding = doctor.optional_program(["no-such-program-anywhere"], "nothing")
    assert finding.state == "ok"
    assert "optional" in finding.detail
    assert doctor.optional_program(["no-such-program-anywhere", sys.executable], "x").detail == sys.executable


def test_a_finding_is_one_line_and_one_object() -> None:
    finding = Finding("disk", "fail", "full", "make room")
    assert finding.line() == "fail  disk: full -> make room"
    assert finding.line(colour=True).startswith("\x1b[31mfail")
    assert json.loads(json.dumps(finding.to_json())) == {
        "name": "disk",
        "state": "fail",
        "detail": "full",
        "advice": "make room",
    }
