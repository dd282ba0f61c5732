"""A reservation as the HTTP API answers with it."""

from typing import Any

from flask import Response, current_app, jsonify, make_response, url_for

from app.reservations.models import Reservation
from app.reservations.schemas import ReservationOut, reservation_out


def out(reservation: Reservation) -> dict[str, Any]:
    """The fields of `ReservationOut`."""
    uid, here = reservation.uid, current_app.config["SETTINGS"].public_url
    return reservation_out(
        reservation,
        {
            "self": here + url_for("reservations-api.read", uid=uid),
            "page": here + url_for("reservations.show", uid=uid),
        },
    )


def answer(
    reservation: Reservation, status: int = 200, shown: ReservationOut | None = None
) -> Response:
    """A reservation with its version as ETag, ready for If-Match."""
    body = shown or ReservationOut.model_validate(out(reservation))
    response = make_response(jsonify(body.model_dump(mode="json")), status)
    response.headers["ETag"] = f'"{reservation.version}"'
    return response
