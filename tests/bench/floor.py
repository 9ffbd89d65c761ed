"""The barest client: sends recorded requests again and throws the answers away.

Run by :mod:`tests.bench.processes` as a file of its own, without packages: ``floor.py FOLDER``
sends all of FOLDER once, ``floor.py FOLDER loop`` once for each line on its standard input, with
its connections kept open. FOLDER has the files ``<stage>-<port>-<connection>``, each with the
requests of one connection: their lengths and their bytes. All connections of a stage are used at
the same time. Stage 0 has the reads of a cycle; stage 1 follows and begins with the first write.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path

_BUFFER = 64 * 1024
_SECONDS = 600.0
Open = dict[str, socket.socket]


def send_all(folder: Path, kept: Open) -> None:
    """Send the requests of a folder; ``kept`` has the open connections by name."""
    for stage in ("0", "1"):
        threads = [
            threading.Thread(target=_send, args=(path, kept))
            for path in sorted(folder.glob(f"{stage}-*"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _send(path: Path, kept: Open) -> None:
    name = path.name.partition("-")[2]
    buffer = memoryview(bytearray(_BUFFER))
    if name not in kept:
        port = int(name.partition("-")[0])
        kept[name] = socket.create_connection(("127.0.0.1", port), _SECONDS)
        kept[name].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with path.open("rb") as requests:
        while length := requests.readline():
            kept[name].sendall(requests.read(int(length)))
            _discard(kept[name], buffer)


def _discard(connection: socket.socket, buffer: memoryview) -> None:
    """Read one answer and forget it."""
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        chunk = connection.recv(_BUFFER)
        if not chunk:
            raise EOFError("the server closed the connection")
        received += chunk
    start = received.lower().index(b"content-length:") + len(b"content-length:")
    left = int(received[start : received.index(b"\r\n", start)]) - (len(received) - end - 4)
    while left > 0:
        size = connection.recv_into(buffer)
        if not size:
            raise EOFError("the server closed the connection")
        left -= size


def _fail(error: threading.ExceptHookArgs) -> None:
    print(f"the floor failed: {error.exc_value!r}", file=sys.stderr, flush=True)
    os._exit(1)


def main() -> None:
    """Send once, or each time that a line comes; print a line after each time."""
    threading.excepthook = _fail
    folder = Path(sys.argv[1])
    kept: Open = {}
    if sys.argv[2:] != ["loop"]:
        send_all(folder, kept)
        return
    print("ready", flush=True)
    for _ in sys.stdin:
        send_all(folder, kept)
        print("done", flush=True)


if __name__ == "__main__":
    main()
