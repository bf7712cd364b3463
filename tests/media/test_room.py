import asyncio

import numpy as np
import pytest

from media.events import GateClosed, GateOpened, SpeakingChanged, VoiceDrained, VoiceStarted
from media.realtime.opus import FakeCodec
from media.realtime.packet import FRAME
from media.room import RoomError
from tests.media.room_script import amplitude_of, run_room, tone

pytestmark = pytest.mark.virtual_time


async def test_three_people_and_a_persona_hear_each_other_and_nobody_hears_themselves() -> None:
    async with run_room() as scene:
        ada, ben, cem = scene.person("ada"), scene.person("ben"), scene.person("cem")
        vox = scene.persona("vox")
        await scene.passes(0.5)
        ada.says(tone(440, 1.5))
        ben.says(tone(660, 1.5))
        vox.offer(tone(880, 1.5))
        await scene.passes(2.0)
        assert [person.hears(440) for person in (ada, ben, cem)] == [False, True, True]
        assert [person.hears(660) for person in (ada, ben, cem)] == [True, False, True]
        assert [person.hears(880) for person in (ada, ben, cem)] == [True, True, True]
        assert ada.loudness_of(440) < 0.002
        assert ben.loudness_of(660) < 0.002
