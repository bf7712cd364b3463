"""A transcript in one message: the newest lines that fit, whatever they are made of."""

import json

from hypothesis import given
from hypothesis import strategies as st

from signaling.ipc.jsonrpc import Result, serialize
from signaling.ipc.transcript import latest

texts = st.text(st.characters(codec=None), max_size=40)


@given(st.lists(st.fixed_dictionaries({"text": texts, "at": texts}), max_size=20), st.integers(0, 2000))
def test_the_longest_end_that_fits_is_kept(lines: list[dict[str, str]], max_bytes: int) -> None:
    kept = latest(lines, max_bytes)
    assert kept == lines[len(lines) - len(kept) :]
    assert len(serialize(Result(1, kept))) - len(serialize(Result(1, []))) <= max_bytes
    if len(kept) < len(lines):
        more = lines[len(lines) - len(kept) - 1 :]
        spaced = json.dumps(more, ensure_ascii=False).encode("utf-8", "backslashreplace")
        assert len(spaced) > max_bytes
