"""Every route declares who may come in; a route without a declaration fails the build."""

from collections.abc import Callable
from typing import TypeVar

View = TypeVar("View", bound=Callable[..., object])

PUBLIC = "public"
SIGNED_IN = "signed-in"


def open_to(right: str) -> Callable[[View], View]:
    """Declare the right that a view needs: `PUBLIC`, `SIGNED_IN` or the name of an action.

    `SIGNED_IN` is enforced for every route before the view runs. An action is asked of
    `accounts.access` within the use case, where the thing acted upon is known.
    """

    def declare(view: View) -> View:
        view.right = right  # type: ignore[attr-defined]
        return view

    return declare
