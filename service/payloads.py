"""The body of a fetched page: bounded while it arrives and while it is unpacked, then decoded."""

from __future__ import annotations

import codecs
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Final

import httpcore

from models.errors import FetchFailed

# What the WHATWG encoding standard lists; Python knows more, some of them traps.
_CHARSETS: Final = re.compile(
    r"utf-?8|utf-?16(le|be)?|us-ascii|ascii|latin-?1|iso[-_]?8859[-_]\d{1,2}|windows-?125\d|cp125\d|"
    r"windows-874|koi8-[ru]|ibm866|macintosh|gbk|gb2312|gb18030|big5|euc-(jp|kr)|shift[-_]jis|"
    r"sjis|iso-2022-jp",
    re.IGNORECASE,
)
# By the same standard these labels mean windows-1252.
_WESTERN: Final = re.compile(r"us-ascii|ascii|latin-?1|iso[-_]?8859[-_]1", re.IGNORECASE)
_META_CHARSET: Final = re.compile(rb"<meta[^>]{1,300}?charset\s*=\s*[\"']?([\w-]{1,40})", re.I)
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SNIFFED_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Payload:
    """A response: status, where it redirects to, its media type and charset, its bytes."""

    status: int
    location: str | None
    content_type: str
    charset: str | None
    body: bytes

    def text(self) -> str:
        """The body decoded as the page, else the header, else common use declares it."""
        for mark, charset in _BYTE_ORDER_MARKS:
            if self.body.startswith(mark):
                return self.body[len(mark) :].decode(charset, "replace")
        meta = _META_CHARSET.search(self.body[:_SNIFFED_BYTES])
        declared = (self.charset, meta[1].decode("ascii", "replace") if meta else None)
        for name in (*declared, "utf-8"):
            if name and _CHARSETS.fullmatch(name):
                try:
                    return self.body.decode("windows-1252" if _WESTERN.fullmatch(name) else name)
                except (UnicodeDecodeError, LookupError):
                    continue
        return self.body.decode("windows-1252", "replace")


def read_payload(response: httpcore.Response, max_bytes: int) -> Payload:
    """Read a response whose headers have come; redirects and errors are not read further.

    Raises:
        FetchFailed: more than `max_bytes`, packed or unpacked, or an encoding not asked for.
    """
    headers = {name.decode("latin-1").lower(): value for name, value in response.headers}
    media = Message()
    media["content-type"] = headers.get("content-type", b"").decode("latin-1")
    charset = media.get_param("charset")
    body = b""
    if response.status == 200:
        declared = headers.get("content-length", b"")
        if declared.isdigit() and int(declared) > max_bytes:
            raise _too_large(max_bytes)
        encoding = headers.get("content-encoding", b"").decode("latin-1").strip().lower()
        chunks = _bounded(response.iter_stream(), max_bytes)
        body = b"".join(_bounded(_unpacked(chunks, encoding, max_bytes), max_bytes))
    return Payload(
        status=response.status,
        location=headers["location"].decode("utf-8", "replace") if "location" in headers else None,
        content_type=media.get_content_type() if media["content-type"] else "",
        charset=charset if isinstance(charset, str) else None,
        body=body,
    )


def _unpacked(chunks: Iterable[bytes], encoding: str, max_bytes: int) -> Iterator[bytes]:
    if encoding in ("", "identity"):
        yield from chunks
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise FetchFailed("The page is packed in a way that was not asked for.", field="url")
    unpacker = zlib.decompressobj(wbits=47 if "gzip" in encoding else zlib.MAX_WBITS)
    try:
        for chunk in chunks:
            yield unpacker.decompress(chunk, max_bytes + 1)
            if unpacker.unconsumed_tail:
                raise _too_large(max_bytes)
    except zlib.error:
        raise FetchFailed("The page is packed in a damaged way.", field="url") from None
    if not unpacker.eof or unpacker.unused_data:
        raise FetchFailed("The page is packed in a damaged way.", field="url")


def _bounded(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > max_bytes:
            raise _too_large(max_bytes)
        yield chunk


def _too_large(max_bytes: int) -> FetchFailed:
    return FetchFailed(
        f"The page has more than {max_bytes} bytes, which is the most.",
        field="url",
        limit=max_bytes,
    )
