"""The soak, shortened: the same code for half a minute, and the arithmetic that judges it."""

import asyncio
from random import Random

import pytest

from perf.soak import report, soak
from perf.soak_findings import growth
from perf.soak_plan import Ending, Shape, plan
from perf.soak_server import media_with_plain_mind
from perf.timer_control import Lateness

SHORT = Shape(cycles=3, cycle_s=5.0, visits=6, rooms=2, warm_up=1, vanishing=False)


@pytest.mark.models  # no weights are needed, but more time than the quick suite has
@pytest.mark.timeout(150)
async def test_half_a_minute_of_meetings_with_kills_and_loss_leaves_nothing_behind() -> None:
    async with media_with_plain_mind() as server:
        findings = await soak(server, 3, SHORT, print)
    print(report(findings).to_json())
    assert findings.leaks() == []
