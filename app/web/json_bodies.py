"""How the HTTP API reads what is sent to it: JSON, said to be JSON, of sensible depth, or files."""

from typing import Any

from flask import Request, abort, current_app, request

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class ApiRequest(Request):
    """A request whose body may be left out where every field may be, and is never too deep."""

    def get_json(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().get_json(*args, **kwargs)
        except RecursionError:
            abort(400)

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        if e is not None and not self.get_data():
            return {}
        return super().on_json_loading_failed(e)


def refuse_other_formats() -> None:
    """Answer 415 to a body for the API that calls itself neither JSON nor, where taken, a file."""
    if not request.path.startswith("/api/") or request.method not in _WITH_BODY:
        return
    if request.endpoint is None:
        return  # There is no such call, whatever its format.
    taken = {"application/json"}
    if getattr(current_app.view_functions[request.endpoint], "files", 0):
        taken.add("multipart/form-data")
    has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if has_body and request.mimetype not in taken:
        abort(415)
