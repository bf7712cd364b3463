"""How the suite runs: coroutine tests on a loop of their own, on virtual time where marked."""

import asyncio
import inspect

import pytest

from tests.virtual_time import VirtualTimeLoop


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Runs `async def` tests to their end and fails them for what their tasks left unhandled."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    virtual = pyfuncitem.get_closest_marker("virtual_time") is not None
    unhandled: list[object] = []

    def new_loop() -> asyncio.AbstractEventLoop:
        loop: asyncio.AbstractEventLoop = VirtualTimeLoop() if virtual else asyncio.new_event_loop()
        loop.set_exception_handler(lambda _, context: unhandled.append(context))
        return loop

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(pyfuncitem.obj(**arguments))
    assert not unhandled, f"the event loop was left with unhandled errors: {unhandled}"
    return True
