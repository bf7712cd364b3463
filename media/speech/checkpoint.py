"""Tensors out of a checkpoint as PyTorch wrote them before 1.6, without PyTorch, and without running what is in it.

Such a file is five pickles (magic number, protocol, type sizes, the object, the names of its storages) and then
each storage: a 64-bit count and so many numbers, little-endian (torch/serialization.py, `_legacy_save`). A pickle
is a program; here only the few instructions that lay out dictionaries of tensors are known. Nothing is imported
and nothing is called: a global is a name, and the names are three.
"""

import io
import math
import pickletools
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from media.speech.sessions import ModelError

__all__ = ["read_checkpoint"]

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
MAX_STEPS = 200_000
"""Instructions of one pickle: a hostile one is not to take long either."""
MAX_STORAGES = 4096

_DICT, _TENSOR, _FLOAT32 = "collections OrderedDict", "torch._utils _rebuild_tensor_v2", "torch FloatStorage"
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = {"BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(frozen=True, slots=True)
class _Name:
    name: str


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]


class _Mark:
    pass


def read_checkpoint(data: bytes) -> dict[str, npt.NDArray[np.float32]]:
    """The float32 tensors of a checkpoint's `model_state`.

    Args:
        data: the whole file.

    Returns:
        float32 arrays of any shape, C-contiguous, by name.

    Raises:
        ModelError: the file is cut short or no such checkpoint, or it holds anything but containers, numbers, texts
            and float32 tensors.
    """
    try:
        return _read(data)
    except ModelError:
        raise
    # What a hostile program may do to the stack, the memo or a count ends in one of these.
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        OverflowError,
        struct.error,
    ) as error:
        raise ModelError(f"no checkpoint of PyTorch's: {error}") from error


def _read(data: bytes) -> dict[str, npt.NDArray[np.float32]]:
    file = io.BytesIO(data)
    if _load(file) != MAGIC or _load(file) != PROTOCOL:
        raise ModelError("no checkpoint of PyTorch's: its magic number or its protocol is another")
    sizes = _load(file)
    if not isinstance(sizes, dict) or sizes.get("little_endian") is not True:
        raise ModelError("a checkpoint of another byte order")
    checkpoint, keys = _load(file), _load(file)
    state = checkpoint.get("model_state") if isinstance(checkpoint, dict) else None
    if not isinstance(state, dict) or not isinstance(keys, list) or len(keys) > MAX_STORAGES:
        raise ModelError("a checkpoint without a model_state")
    storages: dict[str, npt.NDArray[np.float32]] = {}
    position = file.tell()
    for key in keys:
        (count,) = struct.unpack_from("<q", data, position)
        if count < 0 or position + 8 + 4 * count > len(data):
            raise ModelError(f"a checkpoint that is cut short: {count} numbers do not follow")
        storages[key] = np.frombuffer(data, "<f4", count, position + 8)
        position += 8 + 4 * count
    return {name: _array(value, storages) for name, value in state.items() if isinstance(value, _Tensor)}


def _array(tensor: _Tensor, storages: dict[str, npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    storage = storages[tensor.storage.key]
    end = tensor.offset + math.prod(tensor.shape)
    if len(storage) != tensor.storage.count or end > len(storage):
        raise ModelError(
            f"a tensor of {tensor.shape} at {tensor.offset} is not in its {len(storage)} numbers"
        )
    values = storage[tensor.offset : end].reshape(tensor.shape).astype(np.float32)
    if not np.isfinite(values).all():
        raise ModelError("a tensor with numbers that are not finite")
    return values


def _load(file: io.BytesIO) -> Any:
    """Lays out one pickle."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    argument: Any
    for step, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if step >= MAX_STEPS:
            raise ModelError("a checkpoint of too many instructions")
        name = opcode.name
        if name == "STOP":
            return stack.pop()
        if name == "PROTO":
            continue
        if name in _VALUES:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name == "MARK":
            stack.append(_Mark)
        elif name in ("BINPUT", "LONG_BINPUT"):
            memo[argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[argument])
        elif name == "EMPTY_DICT":
            stack.append({})
        elif name == "EMPTY_LIST":
            stack.append([])
        elif name == "EMPTY_TUPLE":
            stack.append(())
        elif name == "TUPLE":
            stack.append(tuple(_to_mark(stack)))
        elif name in _TUPLES:
            items = stack[-_TUPLES[name] :]
            del stack[-_TUPLES[name] :]
            stack.append(tuple(items))
        elif name == "SETITEM":
            value, key = stack.pop(), stack.pop()
            _set(stack[-1], [key, value])
        elif name == "SETITEMS":
            items = _to_mark(stack)
            _set(stack[-1], items)
        elif name in ("APPEND", "APPENDS"):
            items = _to_mark(stack) if name == "APPENDS" else [stack.pop()]
            if not isinstance(stack[-1], list):
                raise ModelError("a checkpoint that appends to what is no list")
            stack[-1].extend(items)
        elif name == "GLOBAL":
            if argument not in (_DICT, _TENSOR, _FLOAT32):
                raise ModelError(f"refused: the checkpoint asks for {argument!r}, which is no tensor")
            stack.append(_Name(argument))
        elif name == "BINPERSID":
            stack.append(_storage(stack.pop()))
        elif name == "REDUCE":
            arguments, function = stack.pop(), stack.pop()
            stack.append(_reduce(function, arguments))
        elif name == "BUILD":
            # Attributes of a dictionary: versions of modules, of no use here.
            stack.pop()
        else:
            raise ModelError(f"refused: the checkpoint has the instruction {name}, which lays out no tensor")
    raise ModelError("a checkpoint that is cut short")


def _to_mark(stack: list[Any]) -> list[Any]:
    at = len(stack) - 1 - stack[::-1].index(_Mark)
    items = stack[at + 1 :]
    del stack[at:]
    return items


def _set(target: Any, items: list[Any]) -> None:
    if not isinstance(target, dict) or len(items) % 2:
        raise ModelError("a checkpoint that sets items of what is no dictionary")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, str | int):
            raise ModelError("a checkpoint with a key that is neither text nor number")
        target[key] = value


def _storage(reference: Any) -> _Storage:
    kind, storage, key, _place, count, _view = reference
    if (
        (kind, storage) != ("storage", _Name(_FLOAT32))
        or not isinstance(key, str)
        or not isinstance(count, int)
    ):
        raise ModelError("refused: the checkpoint has numbers other than float32")
    return _Storage(key, count)


def _reduce(function: Any, arguments: Any) -> Any:
    if function == _Name(_DICT) and arguments == ():
        return {}
    if function == _Name(_TENSOR) and isinstance(arguments, tuple):
        storage, offset, shape, strides, *_ = arguments
        counts = (offset, *shape)
        if not isinstance(storage, _Storage) or not all(type(each) is int and each >= 0 for each in counts):
            raise ModelError("a checkpoint with a tensor of no size")
        if strides != tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape))):
            raise ModelError("a checkpoint with a tensor that does not lie in a row")
        return _Tensor(storage, offset, tuple(shape))
    raise ModelError("refused: the checkpoint calls what makes no tensor")
