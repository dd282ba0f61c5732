"""Changes that say which version they are made to."""

import re

from flask import request

from app.domain.errors import PreconditionNeeded, Text
from app.web.told import Header

IF_MATCH = Header(
    "If-Match",
    "The version that you have read, as the ETag told it.",
    '"1"',
    r'^(W/)?"\d{1,9}"$',
    required=True,
)


def version_seen() -> int:
    """The version that the client has read; raises `PreconditionNeeded`."""
    match = re.fullmatch(r'(?:W/)?"(\d{1,9})"', request.headers.get("If-Match", ""))
    if match is None:
        raise PreconditionNeeded(
            Text(
                '읽은 버전을 If-Match: "<version>" 헤더로 보내세요.',
                'Send the version that you have read in the header If-Match: "<version>".',
            )
        )
    return int(match[1])
