import numpy as np

from media.realtime.speaker import HANGOVER, MAX_SPEAKERS, choose


class Crowd:
    def __init__(self, size: int) -> None:
        self.rows = np.arange(size)
        self.hangover = np.zeros(size, np.int64)
        self.loudness = np.zeros(size, np.float32)
        self.heard = np.zeros(size, np.bool_)

    def hear(self, levels: list[float]) -> list[int]:
        array = np.array(levels, np.float32)
        count = choose(array, self.rows, len(levels), self.hangover, self.loudness, self.heard)
        assert count == self.heard.sum()
        return np.flatnonzero(self.heard).tolist()


def test_a_pause_between_words_does_not_take_anybody_out_and_a_longer_one_does() -> None:
    crowd = Crowd(2)
    assert crowd.hear([0.1, 0.0]) == [0]
    assert [crowd.hear([0.0, 0.0]) for _ in range(HANGOVER - 1)] == [[0]] * (HANGOVER - 1)
    assert crowd.hear([0.0, 0.0]) == []


def test_breath_below_the_threshold_is_not_heard() -> None:
    assert Crowd(2).hear([0.0009, 0.0011]) == [1]


def test_when_many_speak_the_loudest_are_heard_and_do_not_flicker() -> None:
    crowd = Crowd(12)
    levels = [0.1 + 0.01 * index for index in range(12)]
    for _ in range(20):
        heard = crowd.hear(levels)
    assert len(heard) == MAX_SPEAKERS
    assert 11 in heard
    random = np.random.default_rng(1)
    for _ in range(50):
        assert crowd.hear([level * random.uniform(0.9, 1.1) for level in levels]) == heard
    levels[min(set(range(12)) - set(heard))] = 0.9
    for _ in range(20):
        after = crowd.hear(levels)
    assert len(after) == MAX_SPEAKERS
    assert min(set(range(12)) - set(heard)) in after, "clearly louder takes a place"
