"""The kinds of problems that Dure answers with: their word, status and meaning (RFC 9457).

The word is the end of a problem's `type` and never changes its meaning.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from app.domain.errors import Text


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: what it is called, and what somebody who meets it can do."""

    word: str
    status: int
    title: Text
    meaning: Text


KINDS: dict[str, Kind] = {
    kind.word: kind
    for kind in (
        Kind(
            "bad-request",
            400,
            Text("요청을 이해할 수 없습니다", "The request makes no sense"),
            Text(
                "요청의 형식이 잘못되었습니다. 주소나 JSON 형식을 확인하세요.",
                "The request is not well formed. Check its address and its JSON.",
            ),
        ),
        Kind(
            "form-expired",
            400,
            Text("양식이 만료되었습니다", "The form has expired"),
            Text(
                "로그인한 뒤 양식을 오래 열어 두었거나 쿠키가 차단되어 있습니다. "
                "뒤로 가서 페이지를 새로 고친 다음 다시 보내세요.",
                "The form was opened in another session, or cookies are blocked. "
                "Go back, reload the page and send it again.",
            ),
        ),
        Kind(
            "unauthorized",
            401,
            Text("로그인이 필요합니다", "Please sign in"),
            Text(
                "로그인하거나 유효한 API 토큰을 보내야 합니다.",
                "Sign in, or send a valid API token.",
            ),
        ),
        Kind(
            "not-allowed",
            403,
            Text("권한이 없습니다", "You may not do this"),
            Text(
                "이 작업을 할 권한이 없습니다. 장비담당자나 기관 관리자에게 문의하세요.",
                "Your rights do not grant this. Ask the facility manager or your "
                "institution's administrator.",
            ),
        ),
        Kind(
            "not-found",
            404,
            Text("찾을 수 없습니다", "Not found"),
            Text(
                "이 주소에는 아무것도 없거나, 볼 권한이 없습니다.",
                "There is nothing at this address, or you may not see it.",
            ),
        ),
        Kind(
            "method-not-allowed",
            405,
            Text("허용되지 않는 요청 방식입니다", "Not in this way"),
            Text(
                "이 주소는 다른 방식(Allow 헤더)으로만 요청할 수 있습니다.",
                "This address answers only the methods that the header Allow names.",
            ),
        ),
        Kind(
            "conflict",
            409,
            Text("동시에 변경되었습니다", "Changed at the same moment"),
            Text(
                "다른 사람이 같은 것을 동시에 변경했습니다. 새로 고친 다음 다시 시도하세요.",
                "Somebody else changed the same thing at the same moment. Reload and try again.",
            ),
        ),
        Kind(
            "taken",
            409,
            Text("이미 예약된 시간입니다", "The time is taken"),
            Text(
                "이미 예약되었거나 점검·휴무인 시간입니다. taken은 겹치는 시간을, "
                "alternatives는 가까운 빈 시간을 알려 줍니다.",
                "A reservation or a closure holds the time: `taken` names what is in the way, "
                "`alternatives` the nearest free slots.",
            ),
        ),
        Kind(
            "wrong-state",
            409,
            Text("지금 상태에서는 할 수 없습니다", "Not in this state"),
            Text(
                "대상의 현재 상태에서는 이 작업을 할 수 없습니다. 상태를 다시 확인하세요.",
                "The thing is in a state in which this cannot be done. Look at its state again.",
            ),
        ),
        Kind(
            "stale",
            412,
            Text("다른 사람이 먼저 변경했습니다", "Somebody else was faster"),
            Text(
                "그사이에 내용이 변경되었습니다. 최신 내용을 읽고 다시 시도하세요.",
                "It was changed in the meantime. Read it again, then repeat your change.",
            ),
        ),
        Kind(
            "too-large",
            413,
            Text("내용이 너무 큽니다", "Too large"),
            Text(
                "한 번에 보낼 수 있는 크기는 2 MB까지입니다.",
                "At most 2 MB can be sent at once.",
            ),
        ),
        Kind(
            "unsupported",
            415,
            Text("지원하지 않는 형식입니다", "This format is not understood"),
            Text(
                "API는 application/json만 받습니다. 파일을 받는 호출은 multipart/form-data도 "
                "받습니다.",
                "The API reads application/json alone; a call that takes a file, also "
                "multipart/form-data.",
            ),
        ),
        Kind(
            "invalid",
            422,
            Text("입력을 확인하세요", "Please check what you entered"),
            Text(
                "하나 이상의 입력이 잘못되었습니다. fields가 항목별 이유를 알려 줍니다.",
                "One or more fields are wrong; `fields` gives the reason for each.",
            ),
        ),
        Kind(
            "refused",
            422,
            Text("예약할 수 없습니다", "This cannot be reserved"),
            Text(
                "예약 규칙에 맞지 않습니다. refusals가 모든 이유를 한 번에 알려 줍니다.",
                "One or more booking rules are broken; `refusals` names all of them at once.",
            ),
        ),
        Kind(
            "precondition-required",
            428,
            Text("If-Match 헤더가 필요합니다", "If-Match is missing"),
            Text(
                "변경하려면 읽은 버전을 If-Match 헤더로 보내야 합니다.",
                "To change this, send the version that you read in the header If-Match.",
            ),
        ),
        Kind(
            "too-many",
            429,
            Text("요청이 너무 많습니다", "Too many requests"),
            Text(
                "잠시 기다린 다음 다시 시도하세요. Retry-After 헤더가 기다릴 초를 알려 줍니다.",
                "Wait a moment, then try again; the header Retry-After says how many seconds.",
            ),
        ),
        Kind(
            "internal",
            500,
            Text("서버에서 오류가 발생했습니다", "Something went wrong on our side"),
            Text(
                "입력하신 내용 때문이 아닙니다. 계속되면 요청 번호와 함께 관리자에게 알려 주세요.",
                "It is not your doing. If it happens again, tell the administrator the "
                "number of the request.",
            ),
        ),
        Kind(
            "unavailable",
            503,
            Text("잠시 사용할 수 없습니다", "Unavailable for a moment"),
            Text(
                "데이터베이스가 바쁘거나 잠시 끊겼습니다. 몇 초 뒤에 다시 시도하세요.",
                "The database is busy or away for a moment. Try again in a few seconds.",
            ),
        ),
    )
}

_BY_STATUS = {
    400: "bad-request",
    401: "unauthorized",
    403: "not-allowed",
    404: "not-found",
    405: "method-not-allowed",
    409: "conflict",
    410: "not-found",
    412: "stale",
    413: "too-large",
    415: "unsupported",
    422: "invalid",
    428: "precondition-required",
    429: "too-many",
    500: "internal",
    503: "unavailable",
}


def of_status(status: int) -> Kind:
    """The kind that stands for an HTTP status which came from a library."""
    if status in _BY_STATUS:
        return KINDS[_BY_STATUS[status]]
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"
    near = KINDS["internal" if status >= 500 else "bad-request"]
    return Kind(near.word, status, Text(phrase, phrase), near.meaning)


def status_of(form: Any) -> int:
    """With which status the page of a form is answered: whether what was sent is refused."""
    return KINDS["invalid"].status if form.errors else 200
