"""The body of an answer, read in pieces and within bounds, and what the answer comes to."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from ..bounds import MAX_BODY, MAX_LISTING
from ..errors import Garbled, Rejected, Unavailable
from ..text import Redactor
from .budget import Allowance
from .error_text import clean, excerpt, unreadable
from .json_stream import document_of, rows_of, text_size, values_in
from .request import Ask, Taped

if TYPE_CHECKING:
    import requests


log = logging.getLogger(__name__)
_CHUNK: Final = 256 * 1024
_PARSING: Final = threading.Lock()
"""One text at a time is turned into values: this is not slower, and takes less memory."""


class Answer:
    """A whole answer whose JSON is not read yet; ``digest`` is that of its bytes.

    ``parse`` turns the bytes into a document and may empty them; it raises Garbled.
    """

    def __init__(self, content: bytearray, parse: Callable[[bytearray], Any]) -> None:
        self.digest = sha256(content).hexdigest()
        self.size = len(content)
        self._content = content
        self._parse = parse

    def document(self) -> Any:
        """Return the JSON value; to be called once.

        Raises:
            Garbled: it is not JSON, or beyond a bound.
        """
        return self._parse(self._content)


class Body:
    """The body of an answer; ``size`` counts the bytes that were read, after unpacking.

    ``raw`` is the response of urllib3; what is read is also added to ``copy``, if there is one. All
    that reads raises Garbled beyond ``limit`` bytes.
    """

    def __init__(self, raw: Any, limit: int = MAX_BODY, copy: bytearray | None = None) -> None:
        self._raw = raw
        self._limit = limit
        self._copy = copy
        self.size = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes: ``size`` of them, or fewer before the end."""
        return self._counted(self._raw.read(size, decode_content=True))

    def read1(self, size: int) -> bytes:
        """Return the next bytes as they come, at most ``size``; b"" is the end."""
        return self._counted(self._raw.read1(size, decode_content=True))

    def _counted(self, piece: bytes) -> bytes:
        self.size += len(piece)
        if self.size > self._limit:
            raise Garbled(f"the answer has over {self._limit} bytes; see what is at that address")
        if self._copy is not None:
            self._copy += piece
        return piece

    def whole(self, spend: Callable[[bytes], None]) -> bytearray:
        """Return all of it; ``spend`` is given each piece, and raises Garbled to end the reading.

        Raises:
            Garbled: it is beyond the bound, or ``spend`` raised it.
        """
        content = bytearray()
        while chunk := self.read1(_CHUNK):
            spend(chunk)
            content += chunk
        return content

    def text(self, allowance: Allowance) -> bytearray:
        """Return all of it, paid for as the text and the values of a document.

        Raises:
            Garbled: it is beyond a bound, or costs more than ``allowance``.
        """
        content = self.whole(lambda chunk: allowance.spend(len(chunk), values_in(chunk)))
        allowance.spend(text_size(content) - len(content), 1)
        return content


def parse(content: bytearray) -> Any:
    """Return the JSON value of an answer, and empty ``content``.

    Raises:
        ValueError: it is not JSON.
        Garbled: it is beyond a bound.
    """
    with _PARSING:
        return document_of(content)


class Reader:
    """Reads the answers of one server; ``redactor`` keeps secrets out of the messages."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def outcome(
        self, subject: str, response: requests.Response, ask: Ask, taped: Taped | None = None
    ) -> Any:
        """Return the document of an answer, or the answer itself if that was asked for.

        ``subject`` is what messages begin with. ``taped`` gets what is read of the answer.

        Raises:
            Unavailable, Rejected, Garbled: as :meth:`engine.transport.client.Client.get`.
        """
        status, kind = response.status_code, self._kind(response)
        if taped is not None:
            taped.status, taped.kind = status, kind
        limit = MAX_LISTING if ask.keeper and 200 <= status < 300 else MAX_BODY
        body = Body(response.raw, limit, None if taped is None else taped.content)
        try:
            if 200 <= status < 300:
                if ask.keeper:
                    return rows_of(body, ask.keeper())
                text = body.text(ask.allowance)
            else:
                text = body.whole(lambda chunk: ask.allowance.spend(len(chunk)))
        except (Garbled, ValueError) as error:
            raise Garbled(f"{subject}: {unreadable(error, kind, body.size)}") from None
        finally:
            log.debug("%s -> %d (%d bytes)", subject, status, body.size)
        if 200 <= status < 300:
            return _answered(subject, kind, text, ask)
        message = f"{subject}: HTTP {status}: {excerpt(text, self._redactor)}".rstrip(": ")
        if status in (408, 429) or status >= 500:
            raise Unavailable(message, status=status)
        raise Rejected(message, status=status)

    def _kind(self, response: requests.Response) -> str:
        return clean(response.headers.get("Content-Type", "no content type"), self._redactor)


def _answered(subject: str, kind: str, content: bytearray, ask: Ask) -> Any:
    size = len(content)

    def read(content: bytearray) -> Any:
        try:
            return parse(content)
        except (Garbled, ValueError) as error:
            raise Garbled(f"{subject}: {unreadable(error, kind, size)}") from None

    return Answer(content, read) if ask.is_raw else read(content)
