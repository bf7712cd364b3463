from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media.realtime.dominant import DominantSpeaker

SILENCE = 127


def speech(frames: int, seed: int, loud: int = 25) -> list[int]:
    """Levels of somebody who talks: syllables around `loud` -dBov, gaps between them."""
    random = np.random.default_rng(seed)
    return [int(loud + random.integers(0, 12)) if frame % 11 < 9 else 70 for frame in range(frames)]


def follow(script: dict[str, Sequence[int]]) -> list[str | None]:
    """Who leads after each frame."""
    dominant = DominantSpeaker()
    leads = []
    for frame in zip(*script.values(), strict=True):
        dominant.hear(zip(script, frame, strict=True))
        leads.append(dominant.current)
    return leads


def test_who_speaks_leads_within_a_second_and_still_does_when_silent() -> None:
    leads = follow({"ada": speech(100, 1) + [SILENCE] * 400, "ben": [SILENCE] * 500})
    assert leads[0] is None
    assert leads.index("ada") <= 50
    assert set(leads[50:]) == {"ada"}


def test_the_lead_passes_on_when_another_takes_the_floor() -> None:
    leads = follow(
        {"ada": speech(200, 1) + [SILENCE] * 200, "ben": [SILENCE] * 200 + speech(200, 2)},
    )
    assert set(leads[60:200]) == {"ada"}
    passed = leads.index("ben")
    assert 200 < passed <= 200 + 60
    assert set(leads[passed:]) == {"ben"}


def test_a_cough_and_a_backchannel_take_no_lead() -> None:
    ben = [SILENCE] * 400
    ben[150:158] = [10] * 8
    ben[250:262] = speech(12, 3)
    assert set(follow({"ada": speech(400, 1), "ben": ben})[60:]) == {"ada"}


def test_two_who_talk_at_once_do_not_take_the_lead_from_each_other_all_the_time() -> None:
    leads = follow({"ada": speech(1000, 1, 22), "ben": [SILENCE] * 100 + speech(900, 2, 25)})
    changes = sum(one != other for one, other in pairwise(leads[60:]))
    assert changes <= 2


def test_loud_steady_noise_is_no_speaker() -> None:
    random = np.random.default_rng(4)
    noise = [int(30 + random.integers(0, 3)) for _ in range(2000)]
    leads = follow({"fan": noise, "ada": [SILENCE] * 900 + speech(300, 1, 35) + [SILENCE] * 800})
    assert leads[1000:] == ["ada"] * 1000, "once its floor is known"


def test_who_leaves_leads_no_more() -> None:
    dominant = DominantSpeaker()
    for level in speech(100, 1):
        dominant.hear([("ada", level)])
    assert dominant.forget("ben") is False
    assert dominant.forget("ada") is True
    assert dominant.current is None


@given(st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 127)), max_size=3), max_size=120))
def test_no_levels_break_it_and_only_one_who_was_heard_can_lead(frames: list[list[tuple[str, int]]]) -> None:
    dominant = DominantSpeaker()
    known: set[str | None] = {None}
    for frame in frames:
        known |= {id for id, _ in frame}
        before = dominant.current
        assert dominant.hear(frame) is (dominant.current != before)
        assert dominant.current in known
