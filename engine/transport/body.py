"""The body of an answer, read in pieces and within bounds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, Final

from ..bounds import MAX_BODY
from ..errors import Garbled
from .budget import Allowance
from .json_stream import document_of, text_size, values_in

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

    ``raw`` is the response of urllib3.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.size = 0

    def chunks(self, limit: int) -> Iterator[bytes]:
        """Yield all of it.

        Raises:
            Garbled: it has over ``limit`` bytes.
        """
        while chunk := self._raw.read1(_CHUNK, decode_content=True):
            self.size += len(chunk)
            if self.size > limit:
                raise Garbled(f"the answer has over {limit} bytes; see what is at that address")
            yield chunk

    def whole(self, spend: Callable[[bytes], None]) -> bytearray:
        """Return all of it; ``spend`` is given each piece, and raises Garbled to end the reading.

        Raises:
            Garbled: it has over MAX_BODY bytes, or ``spend`` raised it.
        """
        content = bytearray()
        for chunk in self.chunks(MAX_BODY):
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
