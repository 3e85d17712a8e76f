"""Whether files beside the tables are whole."""

import gzip
import json
import struct
import tarfile
import zlib
from pathlib import Path

from study import source

BEGIN, END = b"\x89PNG\r\n\x1a\n", b"\0\0\0\0IEND\xaeB`\x82"  # of a PNG
CHUNK, CRC = struct.Struct(">I4s"), struct.Struct(">I")  # before and after what a chunk holds: size and kind, checksum


def digest(column: str, path: Path) -> str | None:
    """What the file should be called by; None where it cannot be read."""
    try:
        content = path.read_bytes()
        if column != "source":
            return source.digest(content)
        gzip.decompress(content)  # to its last byte, at which tarfile does not look
        return source.fingerprint_of(content)
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error):
        return None


def is_picture(path: Path) -> bool:
    """Whether it is a PNG to its last byte: every chunk by its checksum, and its points by theirs."""
    try:
        return _is_png(path.read_bytes())
    except (OSError, struct.error, zlib.error):
        return False


def _is_png(content: bytes) -> bool:
    if not content.startswith(BEGIN) or not content.endswith(END):
        return False
    points, at = zlib.decompressobj(), len(BEGIN)
    while at < len(content):
        size, kind = CHUNK.unpack_from(content, at)
        data, at = content[at + CHUNK.size : at + CHUNK.size + size], at + CHUNK.size + size + CRC.size
        if CRC.unpack_from(content, at - CRC.size)[0] != zlib.crc32(data, zlib.crc32(kind)):
            return False
        if kind == b"IDAT":
            points.decompress(data)
    return points.eof and not points.unused_data


def is_safetensors(path: Path) -> bool:
    """Whether it has the size of its header, the header in JSON, and as many bytes as that says: the format has no
    checksum.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            size = path.stat().st_size - 8 - length
            header = json.loads(file.read(length) if size >= 0 else b"")
        ends = [about["data_offsets"][1] for name, about in header.items() if name != "__metadata__"]
    except (OSError, ValueError, AttributeError, LookupError, TypeError):  # or another JSON than a header
        return False
    return bool(size == max(ends, default=0))
