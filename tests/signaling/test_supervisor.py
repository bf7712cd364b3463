import asyncio
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from signaling import guard
from signaling.run_directory import base_directory, remove_stale, run_directory
from signaling.settings import Launch, Settings, Tls
from signaling.supervisor import (
    EX_CONFIG,
    Child,
    Policy,
    RecordingWatcher,
    Restarts,
    SupervisorError,
    supervise,
)

QUICK = Policy(first_delay_s=0.02, longest_delay_s=0.05, stop_s=5.0)

READY = """
    import json, os, signal, sys, time
    launch = json.loads(os.environ["CONTINUUM_LAUNCH"])
    def ready(text='{"pid": %d}' % os.getpid()):
        os.write(launch["ready_fd"], text.encode() + b"\\n")
        os.close(launch["ready_fd"])
"""
WAIT = "signal.pause()"


class Watched(RecordingWatcher):
    """Waits for what a watcher is told."""

    def __init__(self) -> None:
        super().__init__(self._set)
        self._told = asyncio.Event()

    def _set(self) -> None:
        self._told.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self._told.clear()
                await self._told.wait()


def child(name: str, body: str, nice: int = 0, tls: bool = False) -> Child:
    script = textwrap.dedent(READY) + textwrap.dedent(body)
    return Child(name, (sys.executable, "-I", "-S", "-c", script), nice=nice, tls=tls)


def launch(tmp_path: Path) -> Launch:
    return Launch(settings=Settings(), run_dir=tmp_path)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for_end(pid: int, timeout_s: float = 10.0) -> bool:
    """Waits for a process that is not ours."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], timeout_s)[0])
    finally:
        os.close(descriptor)


async def test_children_are_started_told_ready_and_ended_together(tmp_path: Path) -> None:
    watcher, stop = Watched(), asyncio.Event()
    children = (child("media", f"ready(); {WAIT}"), child("mind", f"print('hello'); ready(); {WAIT}"))
    running = asyncio.create_task(supervise(launch(tmp_path), watcher, stop, children=children))
    await watcher.until(lambda: len(watcher.readies) == 2)
    pids = dict(watcher.pids)
    assert {name: facts["pid"] for name, facts in watcher.readies} == pids
    stop.set()
    await running
    assert not any(alive(pid) for pid in pids.values())
    assert watcher.lines == []


async def test_what_children_print_is_told_line_by_line(tmp_path: Path) -> None:
    watcher, stop = Watched(), asyncio.Event()
    body = """
        sys.stdout.buffer.write(b"one\\ntwo \\xff\\n" + b"x" * 200_000)
        sys.stdout.flush()
        sys.stderr.write("\\nlast without end")
        sys.stderr.flush()
        ready()
        os.close(1), os.close(2)
        signal.pause()
    """
    running = asyncio.create_task(supervise(launch(tmp_path), watcher, stop, children=(child("mind", body),)))
    await watcher.until(lambda: ("mind", "last without end") in watcher.logs)
    lines = [line for _, line in watcher.logs]
    assert lines[:2] == ["one", "two \ufffd"]
    assert "".join(lines[2:-1]) == "x" * 200_000
    stop.set()
    await running


async def test_a_killed_child_is_started_again_and_the_other_is_left_alone(tmp_path: Path) -> None:
    watcher, stop = Watched(), asyncio.Event()
    children = (child("media", f"ready(); {WAIT}"), child("mind", f"ready(); {WAIT}"))
    running = asyncio.create_task(supervise(launch(tmp_path), watcher, stop, children=children, policy=QUICK))
    await watcher.until(lambda: len(watcher.readies) == 2)
    pids = dict(watcher.pids)
    os.kill(pids["mind"], signal.SIGKILL)
    await watcher.until(lambda: len(watcher.readies) == 3)
    assert watcher.readies[-1][0] == "mind"
    assert dict(watcher.pids)["media"] == pids["media"]
    assert "mind ended (killed by SIGKILL)" in watcher.lines[0]
    stop.set()
    await running


async def test_a_child_that_never_gets_ready_is_given_up_and_the_other_ended(tmp_path: Path) -> None:
    watcher, stop = Watched(), asyncio.Event()
    children = (child("media", f"ready(); {WAIT}"), child("mind", "sys.exit(3)"))
    with pytest.raises(
        SupervisorError, match=r"mind died 5 times before it was ready \(last: exit status 3\)"
    ):
        await supervise(launch(tmp_path), watcher, stop, children=children, policy=QUICK)
    assert [name for name, _ in watcher.pids].count("mind") == 5
    assert not any(alive(pid) for _, pid in watcher.pids)


async def test_a_child_that_was_ready_once_is_never_given_up(tmp_path: Path) -> None:
    watcher, stop = Watched(), asyncio.Event()
    policy = Policy(first_delay_s=0.01, longest_delay_s=0.01, attempts=2)
    children = (child("mind", "ready(); sys.exit(1)"),)
    running = asyncio.create_task(
        supervise(launch(tmp_path), watcher, stop, children=children, policy=policy)
    )
    await watcher.until(lambda: len(watcher.pids) >= 4)
    stop.set()
    await running


async def test_a_child_whose_settings_are_wrong_is_not_tried_again(tmp_path: Path) -> None:
    watcher, stop = Watched(), asyncio.Event()
    body = f"print('no such persona'); sys.exit({EX_CONFIG})"
    with pytest.raises(SupervisorError, match="mind cannot start"):
        await supervise(launch(tmp_path), watcher, stop, children=(child("mind", body),), policy=QUICK)
    assert len(watcher.pids) == 1
    assert watcher.logs == [("mind", "no such persona")]


async def test_a_program_that_does_not_exist_ends_the_server_with_an_error(tmp_path: Path) -> None:
    watcher, stop = Watched(), asyncio.Event()
    children = (Child("mind", ("/no/such/program",)),)
    with pytest.raises(SupervisorError, match="mind died 5 times"):
        await supervise(launch(tmp_path), watcher, stop, children=children, policy=QUICK)
    assert any("No such file" in line for _, line in watcher.logs)


async def test_a_child_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    watcher, stop = Watched(), asyncio.Event()
    body = """
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ready()
        while True:
            signal.pause()
    """
    running = asyncio.create_task(
        supervise(launch(tmp_path), watcher, stop, children=(child("mind", body),), policy=Policy(stop_s=0.2))
    )
    await watcher.until(lambda: bool(watcher.readies))
    stop.set()
    await running
    assert not alive(watcher.pids[0][1])


async def test_a_child_that_hangs_before_it_is_ready_is_killed_and_tried_again(tmp_path: Path) -> None:
    watcher, stop = Watched(), asyncio.Event()
    policy = Policy(first_delay_s=0.01, longest_delay_s=0.01, attempts=2, ready_s=0.3)
    with pytest.raises(SupervisorError, match="killed by SIGKILL"):
        await supervise(launch(tmp_path), watcher, stop, children=(child("mind", WAIT),), policy=policy)
    assert sum("was not ready" in line for line in watcher.lines) == 2


async def test_garbage_instead_of_ready_is_said(tmp_path: Path) -> None:
    watcher, stop = Watched(), asyncio.Event()
    policy = Policy(first_delay_s=0.01, attempts=1)
    children = (child("mind", f"ready('{{nonsense'); {WAIT}"),)
    with pytest.raises(SupervisorError):
        await supervise(launch(tmp_path), watcher, stop, children=children, policy=policy)
    assert "something else than that it is ready" in watcher.lines[0]


async def test_stopping_while_a_restart_is_waited_for_is_at_once(tmp_path: Path) -> None:
    watcher, stop = Watched(), asyncio.Event()
    policy = Policy(first_delay_s=3600, longest_delay_s=3600)
    running = asyncio.create_task(
        supervise(launch(tmp_path), watcher, stop, children=(child("mind", "ready()"),), policy=policy)
    )
    await watcher.until(lambda: bool(watcher.lines))
    stop.set()
    async with asyncio.timeout(5):
        await running


async def test_the_mind_runs_at_lower_priority_and_only_media_is_handed_the_certificate(
    tmp_path: Path,
) -> None:
    watcher, stop = Watched(), asyncio.Event()
    body = """
        own = {"nice": os.nice(0), "tls": launch["tls"] is not None, "port": os.environ.get("CONTINUUM_PORT")}
        ready(json.dumps(own))
        signal.pause()
    """
    children = (child("media", body, nice=-5, tls=True), child("mind", body, nice=5))
    handed = launch(tmp_path).model_copy(update={"tls": Tls(certificate=tmp_path, key=tmp_path)})
    running = asyncio.create_task(supervise(handed, watcher, stop, children=children))
    await watcher.until(lambda: len(watcher.readies) == 2)
    stop.set()
    await running
    told, own = dict(watcher.readies), os.nice(0)
    assert told["mind"] == {"nice": min(own + 5, 19), "tls": False, "port": None}
    assert dict(told["media"], nice=None) == {"nice": None, "tls": True, "port": None}
    assert told["media"]["nice"] in (own, max(own - 5, -20))


SUPERVISOR = """
    import asyncio, sys
    from pathlib import Path
    from signaling.settings import Launch, Settings
    from signaling.supervisor import Child, RecordingWatcher, supervise

    command = (sys.executable, "-I", "-S", "-c", sys.argv[1])
    children = (Child("media", command), Child("mind", command))
    watcher = RecordingWatcher(
        lambda: print(len(watcher.readies), *(pid for _, pid in watcher.pids), flush=True)
    )
    launch = Launch(settings=Settings(), run_dir=Path("/nowhere"))
    asyncio.run(supervise(launch, watcher, asyncio.Event(), children=children))
"""


def test_no_child_outlives_a_supervisor_that_was_killed() -> None:
    script = textwrap.dedent(READY) + f"ready()\n{WAIT}"
    supervisor = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SUPERVISOR), script], stdout=subprocess.PIPE, text=True
    )
    assert supervisor.stdout is not None
    with supervisor.stdout as told:
        pids = next(line.split()[1:] for line in told if line.startswith("2 "))
        supervisor.kill()
        supervisor.wait()
    assert len(pids) == 2
    assert all(wait_for_end(int(pid)) for pid in pids)


WATCH = f"""
    import importlib.util, os, sys
    spec = importlib.util.spec_from_file_location("guard", {guard.__file__!r})
    guard = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(guard)
    sys.exit(guard.watch(os.getppid(), sys.argv[1:]))
"""
SAY_AND_WAIT = "import os, signal; print(os.getpid(), flush=True); signal.pause()"


class TestGuardWithoutTheKernelsHelp:
    def test_it_hands_on_signals_and_the_exit_status(self) -> None:
        guarded = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WATCH), sys.executable, "-c", SAY_AND_WAIT],
            stdout=subprocess.PIPE,
        )
        assert guarded.stdout is not None
        with guarded.stdout as told:
            pid = int(told.readline())
            guarded.terminate()
            assert guarded.wait(10) == 128 + signal.SIGTERM
        assert not alive(pid)

    def test_it_kills_the_command_when_the_parent_dies(self) -> None:
        watched = [sys.executable, "-c", textwrap.dedent(WATCH), sys.executable, "-c", SAY_AND_WAIT]
        parent = f"import subprocess; subprocess.run({watched!r})"
        process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE)
        assert process.stdout is not None
        with process.stdout as told:
            pid = int(told.readline())
            process.kill()
            process.wait()
        assert wait_for_end(pid)


class TestRestarts:
    def test_the_delay_doubles_to_its_bound(self) -> None:
        restarts = Restarts(Policy())
        restarts.ready()
        assert [restarts.died(1.0) for _ in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]

    def test_half_a_minute_of_health_starts_it_over(self) -> None:
        restarts = Restarts(Policy())
        restarts.ready()
        for _ in range(4):
            restarts.died(1.0)
        assert restarts.died(30.0) == 0.2
        assert restarts.died(1.0) == 0.4

    def test_five_deaths_before_it_was_ever_ready_are_enough(self) -> None:
        restarts = Restarts(Policy())
        assert [restarts.died(0.1) is None for _ in range(5)] == [False] * 4 + [True]


class TestRunDirectory:
    def test_it_is_private_and_gone_afterwards_even_after_an_error(self, tmp_path: Path) -> None:
        with contextlib.suppress(RuntimeError), run_directory(tmp_path) as directory:
            assert directory.stat().st_mode & 0o777 == 0o700
            (directory / "a.ring").write_bytes(b"x")
            raise RuntimeError
        assert list(tmp_path.iterdir()) == []

    def test_those_of_the_dead_are_removed_and_those_of_the_living_kept(self, tmp_path: Path) -> None:
        script = (
            "import sys\n"
            "from pathlib import Path\n"
            "from signaling.run_directory import run_directory\n"
            "with run_directory(Path(sys.argv[1])) as directory:\n"
            "    print(directory, flush=True)\n"
            "    sys.stdin.read()"
        )
        other = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert other.stdout is not None
        assert other.stdin is not None
        with other.stdout, other.stdin:
            directory = Path(other.stdout.readline().strip())
            (directory / "a.ring").write_bytes(b"x")
            with run_directory(tmp_path):
                assert directory.exists()
            other.kill()
            other.wait()
        assert remove_stale(tmp_path) == [directory]
        assert not directory.exists()

    def test_what_was_left_half_made_or_half_removed_goes_once_it_is_old(self, tmp_path: Path) -> None:
        for name in (".continuum-run-half", "continuum-run-half"):
            directory = tmp_path / name
            directory.mkdir()
        assert remove_stale(tmp_path) == []
        for directory in tmp_path.iterdir():
            os.utime(directory, (1, 1))
        assert len(remove_stale(tmp_path)) == 2
        assert list(tmp_path.iterdir()) == []

    def test_a_link_in_its_place_is_not_followed(self, tmp_path: Path) -> None:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "supervisor.lock").touch()
        (tmp_path / "continuum-run-trap").symlink_to(elsewhere)
        assert remove_stale(tmp_path) == []
        assert elsewhere.exists()

    def test_it_lies_where_it_can_be_written(self) -> None:
        with run_directory(base_directory()) as directory:
            (directory / "x").touch()


def test_the_launch_survives_the_way_to_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Launch(settings=Settings(port=9000), run_dir=tmp_path, ready_fd=7)
    monkeypatch.setenv("CONTINUUM_PORT", "1234")
    environment = sent.environment()
    assert "CONTINUUM_PORT" not in environment
    assert environment["PATH"] == os.environ["PATH"]
    monkeypatch.setenv("CONTINUUM_LAUNCH", environment["CONTINUUM_LAUNCH"])
    assert Launch.from_environment() == sent


def test_ready_is_one_line_of_json_on_the_pipe(tmp_path: Path) -> None:
    out, into = os.pipe()
    Launch(settings=Settings(), run_dir=tmp_path, ready_fd=into).report_ready(json.dumps({"port": 8200}))
    with os.fdopen(out) as pipe:
        assert json.loads(pipe.read()) == {"port": 8200}
