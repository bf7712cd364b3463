"""`continuum call`: joins a room as any client would, speaks, listens, and tells what was said and how fast."""

from collections.abc import Callable

from signaling.caller.outcome import CallError, CallOptions, CallResult

__all__ = ["CallError", "CallOptions", "CallResult", "call", "run"]


async def call(options: CallOptions) -> CallResult:
    """Makes one call.

    Raises:
        CallError: with one line for the user.
    """
    raise CallError("the caller is not built yet")


def run(
    options: CallOptions, *, as_json: bool, echo: Callable[[str], None], complain: Callable[[str], None]
) -> int:
    """Makes one call and prints it: `echo` gets the result, `complain` one line an error.

    Returns:
        The exit status: 0, or 1 after an error or a turn without a reply.
    """
    complain("the caller is not built yet")
    return 1
