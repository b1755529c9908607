"""Which encoding a text file is in: UTF-8 or GB18030 (which GBK is part of), by strict decoding of all of it.

Of several files of a delivery, those that are valid in both are read as the others are. A file's bytes come in chunks, so
that its size does not matter.
"""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from flows.errors import DeliveryRefused

CHUNK = 8 << 20
DECLARED = {"utf-8": "utf-8", "gb18030": "gb18030", "gbk": "gb18030"}
CHINESE = re.compile("[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
RUN_BEYOND_ASCII = re.compile(rb"[A-Za-z]?[\x80-\xff]+[A-Za-z]?")
COMMON_GBK = re.compile(rb"(?:[\xb0-\xf7][\xa1-\xfe]){2,}")  # characters of GB 2312
ALLOWED = "Allowed: UTF-8 (with or without BOM), GB18030 or GBK"
HOW_TO_SAY = "If you know its encoding, say so in mapping.yml (`encoding: gb18030` or `encoding: utf-8`)"


def chunks(path: Path, delivery: str) -> Iterator[bytes]:
    """The bytes of a file, decompressed where its name says that it is gzipped."""
    opened = gzip.open(path, "rb") if path.name.lower().endswith(".gz") else open(path, "rb")
    try:
        with opened as stream:
            while chunk := stream.read(CHUNK):
                yield chunk
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DeliveryRefused(
            f"Delivery {delivery}: {path} cannot be decompressed ({error}): it is damaged or was cut off. "
            "Nothing was loaded; deliver the file again."
        ) from error


@dataclass(frozen=True)
class Look:
    """What one pass over a text file's bytes shows: whether it is ASCII, starts with a BOM, holds CR or quotes, how many lines
    it has, and a mark that it does not hold."""

    is_ascii: bool
    has_bom: bool
    has_cr: bool
    has_quotes: bool
    lines: int
    mark: str


def encodings_of(looks: Mapping[Path, Look], declared: Mapping[str, str], delivery: str) -> dict[str, str]:
    """The encoding of each text file by name, after a look at its bytes. `declared` has what the mapping says, by name.

    Raises DeliveryRefused where a file is valid in no encoding that may be meant, with line and bytes.
    """
    found = {path.name: DECLARED[declared[path.name]] for path in looks if path.name in declared}
    either: list[Path] = []
    for path, look in looks.items():
        encoding = found.get(path.name) or _encoding_of(path, delivery, look)
        if path.name in found:
            if fault := first_fault(path, delivery, encoding):
                raise _undecodable(path, delivery, encoding.upper(), fault)
        elif encoding:
            found[path.name] = encoding
        else:
            either.append(path)
    others_are_gb18030 = "gb18030" in found.values()
    for path in either:
        found[path.name] = "gb18030" if _is_rather_gb18030(path, delivery, others_are_gb18030) else "utf-8"
    return found


def _encoding_of(path: Path, delivery: str, look: Look) -> str | None:
    """The one encoding that a file can be in; None where it is valid UTF-8 beyond ASCII, and perhaps GB18030 as well."""
    if look.is_ascii:
        return "utf-8"
    fault = first_fault(path, delivery, "utf-8")
    if fault is None:
        return "utf-8" if look.has_bom else None
    if look.has_bom:
        raise _undecodable(path, delivery, "UTF-8", fault)
    other = first_fault(path, delivery, "gb18030")
    if other is not None:
        raise _undecodable(path, delivery, "UTF-8 nor as GB18030", other)
    if _is_damaged_utf8(path, delivery):
        raise _undecodable(path, delivery, "UTF-8", fault)
    return "gb18030"


def first_fault(path: Path, delivery: str, encoding: str) -> tuple[int, bytes] | None:
    """(line, offending bytes) of the first place that does not decode, or None."""
    decoder: codecs.IncrementalDecoder = codecs.getincrementaldecoder(encoding)()
    lines = 1
    try:
        for chunk in chunks(path, delivery):
            decoder.decode(chunk)
            lines += chunk.count(b"\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return lines + error.object[: error.start].count(b"\n"), error.object[error.start : error.end][:4]
    return None


def _is_damaged_utf8(path: Path, delivery: str) -> bool:
    """Whether text that decodes as GB18030 is rather UTF-8 with a few broken places.

    Chinese that was written in GBK is made of the characters of GB 2312, whose second byte is never below A1; UTF-8 read as
    GB18030 falls outside of them all the time. Short names in GBK may well look like UTF-8, so both must speak against it.
    """
    good = bad = inside = outside = 0
    utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
    gb18030 = codecs.getincrementaldecoder("gb18030")(errors="replace")
    for chunk in chunks(path, delivery):
        text = utf8.decode(chunk)
        broken = text.count("\ufffd")
        bad += broken
        good += len(text) - len(text.encode("ascii", "ignore")) - broken
        wide = gb18030.decode(chunk)
        common = len(wide.encode("gb2312", "ignore")) - len(wide.encode("ascii", "ignore"))
        beyond = len(wide) - len(wide.encode("ascii", "ignore"))
        inside += common // 2
        outside += beyond - common // 2
    return good > bad and outside * 4 > inside


def _is_rather_gb18030(path: Path, delivery: str, others_are: bool) -> bool:
    """Whether a text that is valid UTF-8 was written in GB18030 all the same.

    Two Chinese characters in GBK often make two Latin, Greek or Cyrillic letters in UTF-8, hardly ever Chinese ones. So what
    reads as Chinese in UTF-8 is UTF-8. Anything else is what the delivery's other files are, where they tell; where they do
    not, it is GB18030 if every run of it makes two or more common characters, none beside a Latin letter (as in José).
    """
    if first_fault(path, delivery, "gb18030"):
        return False
    chinese = beyond = 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    for chunk in chunks(path, delivery):
        text = decoder.decode(chunk)
        chinese += len(CHINESE.findall(text))
        beyond += len(text) - len(text.encode("ascii", "ignore"))
    if 2 * chinese > beyond:
        return False
    if others_are:
        return True
    held = b""
    for chunk in chunks(path, delivery):
        whole, line_end, held = (held + chunk).rpartition(b"\n")
        if not all(map(COMMON_GBK.fullmatch, RUN_BEYOND_ASCII.findall(whole + line_end))):
            return False
    return all(map(COMMON_GBK.fullmatch, RUN_BEYOND_ASCII.findall(held)))


def copy_as_utf8(path: Path, delivery: str, encoding: str, target: Path) -> None:
    """Write a text file as UTF-8 without BOM, its lines ending in LF."""
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)()
    newlines = _Newlines()
    with open(target, "wb") as out:
        for chunk in chunks(path, delivery):
            out.write(newlines(decoder.decode(chunk)).encode())
        out.write(newlines(decoder.decode(b"", final=True), final=True).encode())


class _Newlines:
    """CR LF and CR become LF, also where a chunk ends between the two."""

    def __init__(self) -> None:
        self.held = ""

    def __call__(self, text: str, final: bool = False) -> str:
        text = self.held + text
        self.held = ""
        if text.endswith("\r") and not final:
            text, self.held = text[:-1], "\r"
        return text.replace("\r\n", "\n").replace("\r", "\n")


def _undecodable(path: Path, delivery: str, tried: str, fault: tuple[int, bytes]) -> DeliveryRefused:
    line, found = fault
    return DeliveryRefused(
        f"Delivery {delivery}: {path}, line {line}: the bytes {found.hex(' ')} do not decode as {tried}. {ALLOWED}. "
        f"{HOW_TO_SAY}. Nothing was loaded; deliver the file again."
    )
