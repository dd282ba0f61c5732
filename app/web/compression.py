"""Answers travel compressed, where the reader can take it."""

import gzip
import io
import secrets

from flask import Flask, Response, request

#: What gains by it and is not compressed already. Feeds are left as they are: calendar apps
#: compare their ETag, and some ask for gzip without taking it.
_KINDS = frozenset({"text/html", "application/json", "application/problem+json"})
#: Below this, the packet is sent as fast as ever.
_LEAST = 2_000
#: Beyond it, the text hardly gets shorter and the work doubles.
_LEVEL = 4
_MOST_NOISE = 100


def register(app: Flask) -> None:
    """Compress every answer that gains by it, last of all."""

    @app.after_request
    def compress(response: Response) -> Response:
        if response.mimetype not in _KINDS or response.direct_passthrough or response.is_streamed:
            return response
        response.vary.add("Accept-Encoding")
        if (
            request.accept_encodings.quality("gzip") <= 0
            or "Content-Encoding" in response.headers
            or len(text := response.get_data()) < _LEAST
        ):
            return response
        response.set_data(_compressed(text))
        response.headers["Content-Encoding"] = "gzip"
        etag, _ = response.get_etag()
        if etag:  # The same in meaning, but not in its bytes.
            response.set_etag(etag, weak=True)
        return response


def _compressed(text: bytes) -> bytes:
    """The name in the head is noise of random length: pages carry a form token beside what was
    typed, and their length shall not tell a listener whether the two are alike (BREACH)."""
    found = io.BytesIO()
    noise = "a" * secrets.randbelow(_MOST_NOISE)
    with gzip.GzipFile(noise, "wb", _LEVEL, found, mtime=0) as file:
        file.write(text)
    return found.getvalue()
