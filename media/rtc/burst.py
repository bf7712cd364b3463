"""One Opus packet to many listeners in compiled code: header, SRTP, socket, with no Python for each of them.

Works on plain memory: a `WireRecord` says where a peer's packets go, a `StreamRecord` how its stream is numbered. The
addresses of libsrtp's and libc's functions are arguments, so that the code kept on disk holds none of this process.
"""

import ctypes
import errno
import sys
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import carray, from_dtype, njit, types  # type: ignore[attr-defined]
from numba.extending import intrinsic
from numpy.typing import NDArray

__all__ = [
    "DONE",
    "MAX_EXTENSION",
    "MAX_PAYLOAD",
    "ORDINARY",
    "REPORT",
    "StreamRecord",
    "WireRecord",
    "burst",
    "libc_functions",
    "scratch",
]

MAX_EXTENSION = 32
"""Largest header extension block of a stream, in bytes."""

MAX_PAYLOAD = 1275
"""Largest Opus packet of one frame (RFC 6716 §3.2.1)."""

DONE, ORDINARY, REPORT = 0, 1, 2
"""Outcomes: sent or dropped and counted; to be sent the ordinary way; sent, and a sender report is due."""

FRAME = 960
_HEADER = 12
_TRAILER = 144
_PACKET = 2048


class WireRecord(ctypes.Structure):
    """Where one peer's packets go. Its owner clears `session` before anything in it ceases to be.

    Attributes:
        session: libsrtp's `srtp_t`, 0 where packets have to go another way.
        fd: a socket that its owner alone closes.
        blocked: packets wait in the event loop's buffer of the socket.
        address_size: bytes of `address`.
        address: a `sockaddr`.
        packets: that were sent.
        octets: of them, with SRTP's.
        unprotected: packets that libsrtp refused.
        would_block: packets for which the socket had no room.
        unsent: packets that the system refused for another reason.
    """

    _fields_ = (
        ("session", ctypes.c_int64),
        ("fd", ctypes.c_int64),
        ("blocked", ctypes.c_int64),
        ("address_size", ctypes.c_int64),
        ("address", ctypes.c_uint8 * 32),
        ("packets", ctypes.c_int64),
        ("octets", ctypes.c_int64),
        ("unprotected", ctypes.c_int64),
        ("would_block", ctypes.c_int64),
        ("unsent", ctypes.c_int64),
    )


class StreamRecord(ctypes.Structure):
    """How one outgoing stream is numbered.

    Attributes:
        wire: address of its `WireRecord`.
        payload_type: -1 where none was negotiated.
        ssrc: of the stream.
        sequence: of the next packet.
        offset: added to timestamps.
        last: timestamp before the offset of the last packet, -1 before the first.
        packets: that were sent.
        octets: of payload, sent.
        report_ns: when the next sender report is due.
        unwanted: packets for which no payload type was negotiated.
        extension_size: bytes of `extension`.
        stamp_at: where in it abs-send-time is, -1 for nowhere.
        extension: the header extension block.
    """

    _fields_ = (
        ("wire", ctypes.c_int64),
        ("payload_type", ctypes.c_int64),
        ("ssrc", ctypes.c_int64),
        ("sequence", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("last", ctypes.c_int64),
        ("packets", ctypes.c_int64),
        ("octets", ctypes.c_int64),
        ("report_ns", ctypes.c_int64),
        ("unwanted", ctypes.c_int64),
        ("extension_size", ctypes.c_int64),
        ("stamp_at", ctypes.c_int64),
        ("extension", ctypes.c_uint8 * MAX_EXTENSION),
    )


_WIRE = from_dtype(np.dtype(WireRecord))
_STREAM = from_dtype(np.dtype(StreamRecord))
_ADDRESS_AT = WireRecord.address.offset
_EAGAIN = errno.EAGAIN
_DONTWAIT = 0x40
"""Linux's MSG_DONTWAIT; elsewhere `libc_functions` has nothing."""


def libc_functions() -> tuple[int, int] | None:
    """Addresses of `sendto` and `__errno_location`; None where they are not as the kernel expects them."""
    if sys.platform != "linux" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    libc = ctypes.CDLL(None)
    found = []
    for name in ("sendto", "__errno_location"):
        function = getattr(libc, name, None)
        address = None if function is None else ctypes.cast(function, ctypes.c_void_p).value
        if address is None:
            return None
        found.append(address)
    return found[0], found[1]


def scratch() -> NDArray[np.uint8]:
    """uint8[2048 + 2048]: the payload, then the packet that is made of it."""
    return np.zeros(2 * _PACKET, np.uint8)


def _pointer(kind: Any) -> Any:
    @intrinsic
    def at(typing_context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        pointer: Any = types.CPointer
        return pointer(kind)(types.int64), generate

    return at


_wire_at = _pointer(_WIRE)
_stream_at = _pointer(_STREAM)
_int32_at = _pointer(types.int32)


def _foreign(result: Any, *arguments: Any) -> Any:
    """A call of a C function at an address that is given as the first argument."""
    widths = {types.int32: ir.IntType(32), types.int64: ir.IntType(64)}
    kind = ir.FunctionType(widths[result], [widths[each] for each in arguments])

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.call(builder.inttoptr(values[0], kind.as_pointer()), list(values[1:]))

    return result(types.int64, *arguments), generate


def _protect_at(typing_context: Any, function: Any, session: Any, packet: Any, size: Any) -> Any:
    return _foreign(types.int32, types.int64, types.int64, types.int64)


def _sendto_at(
    typing_context: Any, function: Any, fd: Any, data: Any, size: Any, flags: Any, to: Any, to_size: Any
) -> Any:
    return _foreign(types.int64, types.int32, types.int64, types.int64, types.int32, types.int64, types.int32)


def _errno_location_at(typing_context: Any, function: Any) -> Any:
    return _foreign(types.int64)


# mypy takes the typing context, which numba hands in, for the caller's first argument.
_protect: Any = intrinsic(_protect_at)
_sendto: Any = intrinsic(_sendto_at)
_errno_location: Any = intrinsic(_errno_location_at)


def _burst(
    streams: NDArray[np.int64],
    functions: NDArray[np.int64],
    memory: NDArray[np.uint8],
    payload_size: int,
    timestamp: int,
    stamp: int,
    now_ns: int,
    outcomes: NDArray[np.uint8],
) -> int:
    special = 0
    base = memory.ctypes.data + _PACKET
    size = np.zeros(1, np.int32)
    for index in range(len(streams)):
        stream = carray(_stream_at(streams[index]), 1)
        if stream[0].payload_type < 0:
            stream[0].unwanted += 1
            outcomes[index] = DONE
            continue
        wire = carray(_wire_at(stream[0].wire), 1)
        if wire[0].session == 0 or wire[0].blocked != 0:
            outcomes[index] = ORDINARY
            special += 1
            continue
        step = ((timestamp - stream[0].last + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        marker = stream[0].last < 0 or step > FRAME
        stream[0].last = timestamp
        sequence = stream[0].sequence
        moved = timestamp + stream[0].offset
        block = stream[0].extension_size
        packet = memory[_PACKET:]
        packet[0] = 0x90 if block else 0x80
        packet[1] = stream[0].payload_type | (0x80 if marker else 0)
        packet[2] = sequence >> 8
        packet[3] = sequence & 0xFF
        for byte in range(4):
            packet[4 + byte] = (moved >> (24 - 8 * byte)) & 0xFF
            packet[8 + byte] = (stream[0].ssrc >> (24 - 8 * byte)) & 0xFF
        for byte in range(block):
            packet[_HEADER + byte] = stream[0].extension[byte]
        at = stream[0].stamp_at
        if at >= 0:
            for byte in range(3):
                packet[_HEADER + at + byte] = (stamp >> (16 - 8 * byte)) & 0xFF
        for byte in range(payload_size):
            packet[_HEADER + block + byte] = memory[byte]
        size[0] = _HEADER + block + payload_size
        # A number that was tried is spent: another packet under it would use a nonce twice (RFC 7714 §8.4).
        stream[0].sequence = (sequence + 1) & 0xFFFF
        outcomes[index] = DONE
        if _protect(functions[0], wire[0].session, base, size.ctypes.data) != 0:
            wire[0].unprotected += 1
            continue
        sent = _sendto(
            functions[1],
            np.int32(wire[0].fd),
            base,
            np.int64(size[0]),
            np.int32(_DONTWAIT),
            stream[0].wire + _ADDRESS_AT,
            np.int32(wire[0].address_size),
        )
        if sent < 0:
            if carray(_int32_at(_errno_location(functions[2])), 1)[0] == _EAGAIN:
                wire[0].would_block += 1
            else:
                wire[0].unsent += 1
            continue
        wire[0].packets += 1
        wire[0].octets += size[0]
        stream[0].packets += 1
        stream[0].octets += payload_size
        if now_ns >= stream[0].report_ns:
            outcomes[index] = REPORT
            special += 1
    return special


burst = cast(
    Callable[
        [NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8], int, int, int, int, NDArray[np.uint8]], int
    ],
    # The lock is released: other threads need not wait for hundreds of system calls.
    njit(
        "int64(int64[::1], int64[::1], uint8[::1], int64, int64, int64, int64, uint8[::1])",
        cache=True,
        nogil=True,
    )(_burst),
)
"""Sends one packet to all streams.

Args:
    streams: int64[n], addresses of `StreamRecord`s, which must live as long as the call.
    functions: int64[3], addresses of `srtp_protect`, `sendto`, `__errno_location`.
    memory: from `scratch`, the payload in front.
    payload_size: bytes of it, at most `MAX_PAYLOAD`.
    timestamp: media time, modulo 2**32.
    stamp: abs-send-time.
    now_ns: monotonic.
    outcomes: uint8[n], receives `DONE`, `ORDINARY` or `REPORT` for each.

Returns:
    How many outcomes are not `DONE`.
"""
