"""As much of S3 as keeping files takes, in a thread: objects of one bucket, in memory."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def s3_server() -> Iterator[tuple[str, dict[str, bytes], list[str]]]:
    """Its address, what it keeps by path, and the ranges it was asked for."""
    objects: dict[str, bytes] = {}
    ranges: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if "aws-chunked" in self.headers.get("Content-Encoding", ""):
                body = _unchunked(body)
            objects[self.path] = body
            self._answer(200)

        def do_GET(self) -> None:
            body = objects.get(self.path)
            if body is None:
                return self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
            if asked := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")):
                ranges.append(asked[0])
                return self._answer(206, body[int(asked[1]) : int(asked[2]) + 1])
            self._answer(200, body)

        do_HEAD = do_GET

        def do_DELETE(self) -> None:
            objects.pop(self.path, None)
            self._answer(204)

        def _answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", '"x"')
            self.send_header("Last-Modified", "Tue, 02 Jun 2020 12:00:00 GMT")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", objects, ranges
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _unchunked(body: bytes) -> bytes:
    whole = b""
    while size := int(body.split(b"\r\n", 1)[0].split(b";")[0], 16):
        body = body.split(b"\r\n", 1)[1]
        whole, body = whole + body[:size], body[size + 2 :]
    return whole
