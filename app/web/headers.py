"""What every answer carries: protection of the reader, and how long it may be kept."""

from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from secure import (
    ContentSecurityPolicy,
    CrossOriginOpenerPolicy,
    CrossOriginResourcePolicy,
    CustomHeader,
    PermissionsPolicy,
    ReferrerPolicy,
    Secure,
    StrictTransportSecurity,
    XContentTypeOptions,
    XFrameOptions,
)

from app.web.errors import is_feed

LOOPBACK = ("localhost", "127.0.0.1")
YEAR = 31_536_000


def register(app: Flask) -> None:
    """Answer to our own name alone, and set the headers on every answer."""
    public_url = urlsplit(app.config["SETTINGS"].public_url)
    app.config["TRUSTED_HOSTS"] = [public_url.hostname or "", *LOOPBACK]
    protection = _protection(https=public_url.scheme == "https").headers

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in protection.items():
            response.headers.setdefault(name, value)
        if is_feed():
            # The address is the key to the feed.
            response.headers["Referrer-Policy"] = "no-referrer"
        _keeping(response)
        return response


def _protection(*, https: bool) -> Secure:
    csp = (
        ContentSecurityPolicy()
        .default_src("'none'")
        .script_src("'self'")
        .style_src("'self'")
        .img_src("'self'", "data:")
        .font_src("'self'")
        .connect_src("'self'")
        .manifest_src("'self'")
        .form_action("'self'")
        .frame_ancestors("'none'")
        .base_uri("'none'")
    )
    nothing = PermissionsPolicy().camera().microphone().geolocation().payment().usb().midi()
    return Secure(
        csp=csp,
        hsts=StrictTransportSecurity().max_age(YEAR) if https else None,
        xcto=XContentTypeOptions().nosniff(),
        xfo=XFrameOptions().deny(),
        referrer=ReferrerPolicy().same_origin(),
        permissions=nothing,
        coop=CrossOriginOpenerPolicy().same_origin(),
        corp=CrossOriginResourcePolicy().same_origin(),
        custom=[CustomHeader("X-Permitted-Cross-Domain-Policies", "none")],
    )


def _keeping(response: Response) -> None:
    """Pages depend on who asks and in which language; nobody else may keep them."""
    if request.endpoint == "static" or is_feed():
        return
    response.vary.update(("Cookie", "Accept-Language"))
    if "Cache-Control" in response.headers:
        return
    if "ETag" in response.headers:
        response.headers["Cache-Control"] = "private, no-cache"
    elif _signed_in() or request.path.startswith("/api/"):
        response.headers["Cache-Control"] = "no-store"
    else:
        response.headers["Cache-Control"] = "private, no-cache"


def _signed_in() -> bool:
    """Whether the account was read for this answer; it is not read for the header's sake."""
    user = g.get("_login_user")
    return bool(user and user.is_authenticated)
