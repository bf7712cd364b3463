import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cognition.inference.parked import Parked, ParkedConversations


def parked(tokens: list[int], size: int = 10, pure: int | None = None) -> Parked:
    return Parked(tokens, len(tokens) if pure is None else pure, np.zeros(size, np.uint8))


def test_a_conversation_that_returns_finds_what_it_left_once() -> None:
    kept = ParkedConversations(100)
    kept.park("nova", parked([1, 2, 3]))
    back = kept.take("nova")
    assert back is not None
    assert back.tokens == [1, 2, 3]
    assert kept.take("nova") is None
    assert (len(kept), kept.size) == (0, 0)


def test_the_one_not_used_for_longest_makes_room() -> None:
    kept = ParkedConversations(30)
    for key in ("nova", "felix", "robin"):
        kept.park(key, parked([*range(20)]))
    kept.donor([*range(20)], 16)
    kept.park("ada", parked([9]))
    assert kept.dropped == 1
    assert kept.size == 30
    assert kept.take("ada") is not None


def test_one_larger_than_all_room_is_not_kept_and_leaves_the_others_alone() -> None:
    kept = ParkedConversations(30)
    kept.park("nova", parked([1]))
    kept.park("felix", parked([2], size=31))
    assert kept.dropped == 1
    assert kept.take("felix") is None
    assert kept.take("nova") is not None


def test_a_newer_state_of_a_conversation_replaces_the_older() -> None:
    kept = ParkedConversations(100)
    kept.park("nova", parked([1], size=40))
    kept.park("nova", parked([1, 2], size=50))
    assert kept.size == 50
    back = kept.take("nova")
    assert back is not None
    assert back.tokens == [1, 2]


def test_only_a_pure_prefix_of_equal_tokens_is_lent() -> None:
    kept = ParkedConversations(100)
    kept.park("nova", parked([*range(40)], pure=18))
    kept.park("felix", parked([*range(17), 99]))
    lent = kept.donor([*range(30)], 16)
    assert lent is not None
    assert lent[1] == 18
    assert kept.donor([5, 6, 7], 1) is None
    assert len(kept) == 2


@given(
    st.lists(
        st.tuples(st.sampled_from(["park", "take", "forget"]), st.sampled_from("abc"), st.integers(0, 40))
    )
)
def test_the_bytes_kept_are_those_of_what_is_kept_and_never_too_many(
    steps: list[tuple[str, str, int]],
) -> None:
    kept = ParkedConversations(60)
    for step, key, size in steps:
        match step:
            case "park":
                kept.park(key, parked([1], size))
            case "take":
                kept.take(key)
            case "forget":
                kept.forget(key)
        assert kept.size <= 60
    held = [kept.take(key) for key in "abc"]
    assert sum(each.state.nbytes for each in held if each is not None) <= 60
    assert kept.size == 0
