"""Records of one JSON text: of an array, of a page that holds one, or a single object."""

import io
import re
from collections.abc import Iterator

import msgspec

from orchestration.landing.containers import BOM, ContainerError, Limits, chained
from orchestration.landing.ndjson import lines, record_of
from orchestration.landing.pages import ELEMENTS, FIELDS, Pages
from orchestration.landing.record import Record

ARRAY_BYTES = 256 * 2**20
_AFTER_VALUE = re.compile(r"trailing characters \(byte (\d+)\)")


def texts(content: io.BufferedReader, pages: Pages, limits: Limits, *, may_be_lines: bool = False) -> Iterator[Record]:
    """Records of one JSON text: an array, a page that holds one, or a single object; several texts, or one that is
    none, may be lines."""
    text = content.read(ARRAY_BYTES)
    if len(text) == ARRAY_BYTES:
        head = text.removeprefix(BOM).lstrip()[:1]
        yield from (
            _elements_of_stream(text, content, limits, pages)
            if head == b"["
            else lines(chained(text, content), limits, pages)
        )
        return
    whole, text = text, text.removeprefix(BOM).strip()
    if not text:
        raise ContainerError("no_records")
    if text.startswith(b"[") and _are_arrays(text):
        yield from lines(io.BufferedReader(io.BytesIO(whole)), limits, pages)  # type: ignore[arg-type]
    elif text.startswith(b"["):
        yield from _numbered((bytes(element) for element in _decoded(text)), pages)
    elif text.startswith(b"{"):
        yield from _object(text, whole, pages, limits, may_be_lines=may_be_lines)
    else:
        raise ContainerError("no_records" if _is_scalar(text) else "broken_json")


def _is_scalar(text: bytes) -> bool:
    """The text is one word, number or null: nothing that could hold a record."""
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True


def _decoded(text: bytes) -> list[msgspec.Raw]:
    try:
        return ELEMENTS.decode(text)
    except RecursionError:
        raise ContainerError("broken_json") from None
    except msgspec.DecodeError as error:
        raise _broken(error) from None


def _broken(error: msgspec.DecodeError) -> ContainerError:
    return ContainerError("truncated_json" if "truncated" in str(error) else "broken_json")


def _object(text: bytes, whole: bytes, pages: Pages, limits: Limits, *, may_be_lines: bool) -> Iterator[Record]:
    try:
        fields = FIELDS.decode(text)
    except RecursionError:
        yield record_of(1, text, text)
    except msgspec.DecodeError as error:
        if _are_lines(text) or (may_be_lines and not text.splitlines()[0].rstrip().endswith(b"[")):
            yield from lines(io.BufferedReader(io.BytesIO(whole)), limits, pages)  # type: ignore[arg-type]
        elif _AFTER_VALUE.search(str(error)):
            yield from _numbered(_one_after_another(text), pages)
        else:
            raise _broken(error) from None
    else:
        reported = pages.reported_by_object(text, fields)
        for number, (element, page) in enumerate(reported if reported is not None else [(text, None)], start=1):
            yield record_of(number, element, element, page)


def _are_lines(text: bytes) -> bool:
    """Newline-delimited JSON under the name of plain JSON. A first line that only begins a value, or holds two, does
    not begin any."""
    first, *more = text.splitlines()
    try:
        FIELDS.decode(first)
    except msgspec.DecodeError as error:
        return not re.search("truncated|trailing", str(error)) and any(line.strip().startswith(b"{") for line in more)
    except RecursionError:
        return False
    return True


def _are_arrays(text: bytes) -> bool:
    """Every line, or all but broken ones, is an array of its own: the first is whole, and others follow."""
    first, *more = text.splitlines()
    try:
        ELEMENTS.decode(first)
    except (msgspec.DecodeError, RecursionError):
        return False
    return any(line.strip().startswith((b"[", b"{")) for line in more)


def _one_after_another(text: bytes) -> Iterator[bytes]:
    """Several texts in one file, each over as many lines as it likes."""
    view = memoryview(text)
    while len(view):
        end = len(view)
        try:
            FIELDS.decode(view)
        except RecursionError:
            raise ContainerError("broken_json") from None
        except msgspec.DecodeError as error:
            after = _AFTER_VALUE.search(str(error))
            if after is None:
                raise _broken(error) from None
            end = int(after.group(1)) - 1  # the byte named is one beyond the first that is too much
        yield bytes(view[:end]).strip()
        view = view[end:]


def _numbered(elements: Iterator[bytes], pages: Pages) -> Iterator[Record]:
    """The elements as records; those of an element that is a page one by one."""
    number = 0
    for element in elements:
        for raw, page in pages.reported_in(element) or ((element, None),):
            number += 1
            yield record_of(number, raw, raw, page)


_SIGN = re.compile(rb'"(?:[^"\\]|\\.)*+("?)|[\[\]{},]', re.DOTALL)


def _elements_of_stream(start: bytes, content: io.BufferedReader, limits: Limits, pages: Pages) -> Iterator[Record]:
    """Elements of an array too large to hold, found by their brackets; each is decoded like any record afterwards."""
    return _numbered(_found_by_brackets(start, content, limits), pages)


def _found_by_brackets(start: bytes, content: io.BufferedReader, limits: Limits) -> Iterator[bytes]:
    buffer = start.removeprefix(BOM).lstrip()[1:]
    level = begin = position = found = 0
    while True:
        for match in _SIGN.finditer(buffer, position):
            sign = match.group()[:1]
            if sign == b'"' and not match.group(1):
                break
            position = match.end()
            if sign in b"[{":
                level += 1
            elif sign in b"]}" and level:
                level -= 1
            elif sign in b",]" and not level:
                raw = buffer[begin : match.start()].strip()
                if raw:
                    found += 1
                    yield raw
                elif sign == b"," or found:
                    raise ContainerError("broken_json")
                begin = position
                if sign == b"]":
                    _expect_end(buffer[position:], content)
                    return
        chunk = content.read(2**22)
        if not chunk or len(buffer) - begin > limits.record_bytes + 2**23:
            raise ContainerError("truncated_json")
        buffer, position, begin = buffer[begin:] + chunk, position - begin, 0


def _expect_end(rest: bytes, content: io.BufferedReader) -> None:
    while not rest.strip():
        rest = content.read(2**20)
        if not rest:
            return
    raise ContainerError("broken_json")
