"""`continuum call`: joins a room as any client would, speaks, listens, tells what was said and how fast."""

import asyncio
import contextlib
import json
from collections.abc import Callable

from signaling.caller.caller import in_call
from signaling.caller.outcome import CallError, CallOptions, CallResult, TurnResult
from signaling.caller.wav import WavError, WavRecorder, read_speech

__all__ = ["CallError", "CallOptions", "CallResult", "call", "run"]


async def call(options: CallOptions) -> CallResult:
    """Makes one call: waits for the greeting if asked to, then takes the turns one after the other.

    A turn without a reply in time has `reply` None; the turns behind it are still taken.

    Raises:
        CallError: with one line for the user.
    """
    try:
        speeches = [(str(path), await asyncio.to_thread(read_speech, path)) for path in options.wavs]
        recorder = WavRecorder(options.out) if options.out is not None else None
    except WavError as error:
        raise CallError(str(error)) from error
    with contextlib.closing(recorder) if recorder else contextlib.nullcontext():
        async with in_call(options, recorder.write if recorder else lambda _: None) as caller:
            if options.wait_greeting:
                await caller.greeted()
            for said, samples in speeches:
                await caller.speak_turn(samples, said)
            for text in options.texts:
                await caller.write_turn(text)
        return caller.result()


def run(
    options: CallOptions,
    *,
    as_json: bool,
    echo: Callable[[str], None],
    complain: Callable[[str], None],
) -> int:
    """Makes one call and prints it.

    Args:
        options: what to do.
        as_json: print one JSON object instead of text.
        echo: prints the result, a line or a block at a time.
        complain: prints one line of what went wrong.

    Returns:
        The exit status: 0, or 1 after an error or a turn without a reply.
    """
    try:
        result = asyncio.run(call(options))
    except CallError as error:
        complain(" ".join(str(error).split()))
        return 1
    if as_json:
        echo(json.dumps(result.to_json(), ensure_ascii=False, indent=2))
    else:
        for line in _describe(result):
            echo(line)
    unanswered = [turn.said for turn in result.turns if turn.reply is None]
    if unanswered:
        complain(f"no reply within {options.timeout:.0f} s to: {', '.join(unanswered)}")
    return 1 if unanswered else 0


def _describe(result: CallResult) -> list[str]:
    lines = [f"room {result.room}, {result.audio.seconds:.1f} s, {result.audio.packets} packets heard"]
    for spoken in result.transcript:
        mark = " (written)" if spoken.kind == "chat" else " (cut off)" if spoken.interrupted else ""
        lines.append(f"{spoken.name}{mark}: {spoken.text}")
    for number, turn in enumerate(result.turns, start=1):
        lines.append(f"turn {number}: {_timing(turn)}")
    return lines


def _timing(turn: TurnResult) -> str:
    first = turn.caller.first_sound_ms
    heard = f"first sound after {first:.0f} ms" if first is not None else "no sound of a reply"
    stages = [
        f"{stage} {value:.0f}"
        for stage, value in (turn.latency or {}).items()
        if isinstance(value, int | float) and not isinstance(value, bool) and stage != "speechEnd"
    ]
    return f"{heard}; server (ms): {', '.join(stages)}" if stages else heard
