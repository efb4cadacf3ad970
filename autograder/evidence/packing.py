"""Observations as bytes: msgpack, and NumPy arrays as an extension of it.

The bytes may come from a process in which a submission runs, so reading them makes nothing but
plain data, and not much more of it than there are bytes.
"""

from __future__ import annotations

import re
from typing import Any

import msgpack
import numpy as np

from autograder.evidence.observations import ARRAY_KINDS, Data, type_name

_ARRAY_DTYPE = re.compile(r"[<|][biuf][1248]")
_ARRAY_CODE = 1


def pack(data: Data) -> bytes:
    """Serialise plain data. Only exact types pass; anything else raises ``TypeError``.

    Half of a surrogate pair, which is text to Python and to nobody else, becomes a question mark.
    """
    packed: bytes = msgpack.packb(
        data, strict_types=True, default=_pack_array, unicode_errors="replace"
    )
    return packed


def _pack_array(value: object) -> msgpack.ExtType:
    if type(value) is not np.ndarray or value.dtype.kind not in ARRAY_KINDS:
        raise TypeError(f"{type_name(value)} is not plain data")
    little = value.astype(value.dtype.newbyteorder("<"), copy=False)
    head = msgpack.packb([little.dtype.str, list(value.shape)])
    return msgpack.ExtType(_ARRAY_CODE, head + little.tobytes())


def unpack(frame: bytes, *, most: int | None = None) -> Data:
    """Parse what `pack` wrote, refusing whatever it could not have written.

    Parameters
    ----------
    most
        Of lists and maps, in a frame from somebody who may not be trusted: a byte of the frame is
        enough for one, which takes a hundred bytes of memory.

    Raises
    ------
    ValueError
        If the frame is malformed or holds more than that.
    """
    limits = {} if most is None else {"max_array_len": most, "max_map_len": most}
    hooks = {} if most is None else dict.fromkeys(("list_hook", "object_hook"), _Counter(most))
    try:
        return msgpack.unpackb(
            frame, ext_hook=_unpack_array, strict_map_key=False, **limits, **hooks
        )
    except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
        raise ValueError(f"not an observation: {error}") from None


class _Counter:
    """Sees each list and map that is unpacked, and refuses more of them than there may be."""

    def __init__(self, most: int) -> None:
        self._left = most

    def __call__(self, container: Data) -> Data:
        self._left -= 1
        if self._left < 0:
            raise ValueError("too many parts")
        return container


def _unpack_array(code: int, body: bytes) -> np.ndarray[Any, Any]:
    if code != _ARRAY_CODE:
        raise ValueError(f"unknown extension {code}")
    reader = msgpack.Unpacker(max_buffer_size=len(body) + 1)
    reader.feed(body)
    dtype, shape = reader.unpack()
    # Only the names that `pack` writes: NumPy would take those of whole structures too.
    if not isinstance(dtype, str) or not _ARRAY_DTYPE.fullmatch(dtype):
        raise ValueError(f"array of dtype {dtype!r}")
    return np.frombuffer(body[reader.tell() :], dtype=dtype).reshape(shape)
