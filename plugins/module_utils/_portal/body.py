# Copyright (c) The pbxops.yeastar authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and unpacks response bodies up to a maximum size; older releases of urllib3 unpack without a limit."""

from __future__ import annotations

import re
import zlib
from typing import Any

MAX_BODY = 10 * 1024 * 1024  # bytes
_PART = 65536  # bytes that are read at once
_NAME = re.compile("[a-z0-9-]{1,20}")  # of an encoding; anything longer may contain a secret and is not shown
_GZIP = 16 + zlib.MAX_WBITS  # zlib's code for the gzip format


class BodyError(ValueError):
    """A body that is not complete. The text is a clause for people and contains nothing of the body."""


def read_body(response: Any) -> bytes:
    """Read the whole body, uncompressed. Raises BodyError if it is cut off, damaged, too large or encoded unusually."""
    named = response.headers.get("Content-Encoding", "").lower().split(",")
    encodings = [name.strip() for name in named if name.strip() not in ("", "identity")]
    if encodings not in ([], ["gzip"], ["x-gzip"]):
        seen = ", ".join(name if _NAME.fullmatch(name) else "an unreadable encoding" for name in encodings[:3])
        raise BodyError(f"expected an uncompressed answer, got {seen}; check what is in between")
    unpacker = zlib.decompressobj(_GZIP) if encodings else None
    content = bytearray()
    while part := response.raw.read(_PART, decode_content=False):
        content += part if unpacker is None else _unpacked(unpacker, part, MAX_BODY + 1 - len(content))
        if len(content) > MAX_BODY:
            raise BodyError(f"the answer is larger than {MAX_BODY} bytes")
    length = response.headers.get("Content-Length", "")
    if length.isdigit() and response.raw.tell() < int(length):
        raise BodyError(f"the answer broke off after {response.raw.tell()} of {length} bytes")
    if unpacker is not None and response.raw.tell() and not unpacker.eof:
        raise BodyError("the compressed answer broke off")
    return bytes(content)


def _unpacked(unpacker: Any, part: bytes, most: int) -> bytes:
    try:
        content: bytes = unpacker.decompress(part, most)
    except zlib.error:
        raise BodyError("the compressed answer is damaged") from None
    if unpacker.unused_data:
        raise BodyError("the compressed answer continues after its end")
    return content
