"""Checkpoints of PyTorch's, read without PyTorch: the tensors come out, and nothing a hostile file asks for is done."""

import io
import os
import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.speech.checkpoint import MAGIC, PROTOCOL, read_checkpoint
from media.speech.sessions import ModelError


class _Stub:
    """Pickles as a global of PyTorch's would."""

    def __init__(self, module: str, name: str) -> None:
        self.module, self.name = module, name


class _Pickler(pickle._Pickler):
    """Writes globals and calls as they are named, which the one in C does not let one do."""

    write: Callable[[bytes], int]

    def persistent_id(self, value: object) -> object:
        return value.reference if isinstance(value, _Reference) else None

    def save(self, value: Any, save_persistent_id: bool = True) -> None:
        if isinstance(value, _Stub):
            self.write(f"c{value.module}\n{value.name}\n".encode())
        elif isinstance(value, _Call):
            self.save(value.function)
            self.save(value.arguments)
            self.write(b"R")
        else:
            super().save(value, save_persistent_id)  # type: ignore[misc]


class _Reference:
    def __init__(self, reference: tuple[object, ...]) -> None:
        self.reference = reference


class _Call:
    def __init__(self, function: object, arguments: tuple[object, ...]) -> None:
        self.function, self.arguments = function, arguments


FLOATS = _Stub("torch", "FloatStorage")
REBUILD = _Stub("torch._utils", "_rebuild_tensor_v2")


def tensor(key: str, count: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> _Call:
    storage = _Reference(("storage", FLOATS, key, "cuda:0", count, None))
    return _Call(
        REBUILD, (storage, offset, shape, strides, False, _Call(_Stub("collections", "OrderedDict"), ()))
    )


def packed(*values: object) -> bytes:
    out = io.BytesIO()
    for value in values:
        _Pickler(out, 2).dump(value)
    return out.getvalue()


def checkpoint(
    state: object, storages: dict[str, list[float]], *, magic: int = MAGIC, little: bool = True
) -> bytes:
    head = packed(
        magic,
        PROTOCOL,
        {"protocol_version": PROTOCOL, "little_endian": little, "type_sizes": {"int": 4}},
        {"step": 3, "model_state": state},
        list(storages),
    )
    return head + b"".join(
        struct.pack("<q", len(numbers)) + struct.pack(f"<{len(numbers)}f", *numbers)
        for numbers in storages.values()
    )


def test_tensors_that_share_a_storage_come_out_by_name() -> None:
    state = {"a": tensor("s", 6, 0, (2, 2), (2, 1)), "b": tensor("s", 6, 4, (2,), (1,))}
    found = read_checkpoint(checkpoint(state, {"s": [1, 2, 3, 4, 5, 6]}))
    np.testing.assert_array_equal(found["a"], [[1, 2], [3, 4]])
    np.testing.assert_array_equal(found["b"], [5, 6])
    assert found["a"].dtype == np.float32
    assert found["a"].flags.writeable


def test_what_is_no_tensor_in_the_state_is_left_out() -> None:
    state = {"version": 1, "a": tensor("s", 1, 0, (1,), (1,))}
    assert list(read_checkpoint(checkpoint(state, {"s": [1.5]}))) == ["a"]


class _Runs:
    """A pickle that would run a command in whoever unpickles it."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch /nonexistent/continuum-was-here",)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (_Runs(), "system"),
        ({"a": _Stub("builtins", "eval")}, "eval"),
        ({"a": _Call(FLOATS, (3,))}, "calls what makes no tensor"),
        ({"a": _Call(REBUILD, ("no storage", 0, (1,), (1,), False, {}))}, "no size"),
        ({"a": tensor("s", 2, 0, (3,), (1,))}, "is not in its 2 numbers"),
        ({"a": tensor("s", 2, 1, (2,), (1,))}, "is not in its 2 numbers"),
        ({"a": tensor("s", 2, -1, (2,), (1,))}, "no size"),
        ({"a": tensor("s", 2, 0, (-2, -1), (-1, 1))}, "no size"),
        ({"a": tensor("s", 2, 0, (2,), (0,))}, "not lie in a row"),
        ({"a": tensor("s", 1 << 40, 0, (1 << 40,), (1,))}, "is not in its"),
        ({"a": tensor("other", 2, 0, (2,), (1,))}, "no checkpoint"),
        ([1, 2], "without a model_state"),
        ({(1, 2): 3}, "neither text nor number"),
        ({"a": b"bytes"}, "refused"),
    ],
)
def test_what_lays_out_no_tensor_is_refused(state: object, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        read_checkpoint(checkpoint(state, {"s": [1.0, 2.0]}))


def test_a_global_is_refused_before_anything_is_called() -> None:
    called: list[str] = []

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return called.append, ("called",)

    with pytest.raises(ModelError, match="refused"):
        read_checkpoint(checkpoint({"a": Trap()}, {"s": [1.0]}))
    assert called == []


@pytest.mark.parametrize("magic", [0, 7, MAGIC + 1])
def test_another_magic_number_is_refused(magic: int) -> None:
    with pytest.raises(ModelError, match="magic number"):
        read_checkpoint(checkpoint({}, {}, magic=magic))


def test_another_byte_order_is_refused() -> None:
    with pytest.raises(ModelError, match="byte order"):
        read_checkpoint(checkpoint({}, {}, little=False))


def test_numbers_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ModelError, match="not finite"):
        read_checkpoint(checkpoint({"a": tensor("s", 1, 0, (1,), (1,))}, {"s": [float("nan")]}))


def test_a_memo_index_of_four_billion_costs_no_memory() -> None:
    huge = b"\x80\x02Nr\xff\xff\xff\xff."
    with pytest.raises(ModelError):
        read_checkpoint(packed(MAGIC, PROTOCOL, {"little_endian": True}) + huge)


def test_a_program_without_end_is_given_up() -> None:
    endless = b"\x80\x02" + b"N" * 300_000 + b"."
    with pytest.raises(ModelError, match="too many instructions"):
        read_checkpoint(packed(MAGIC, PROTOCOL, {"little_endian": True}) + endless)


WHOLE = checkpoint({"a": tensor("s", 2, 0, (2,), (1,))}, {"s": [1.0, 2.0]})


@given(st.integers(0, len(WHOLE) - 1))
def test_a_file_that_is_cut_short_is_refused(length: int) -> None:
    with pytest.raises(ModelError):
        read_checkpoint(WHOLE[:length])


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_a_file_with_a_byte_changed_is_read_or_refused(position: int, byte: int) -> None:
    changed = WHOLE[:position] + bytes([byte]) + WHOLE[position + 1 :]
    try:
        found = read_checkpoint(changed)
    except ModelError:
        return
    assert all(np.isfinite(values).all() for values in found.values())


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for whole in (data, packed(MAGIC, PROTOCOL, {"little_endian": True}) + data):
        with pytest.raises(ModelError):
            read_checkpoint(whole)


def test_an_ordered_dictionary_with_attributes_is_a_dictionary() -> None:
    state = OrderedDict(a=1)
    assert read_checkpoint(checkpoint(state, {})) == {}
