"""What managers type about contracts of use."""

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import DateField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from app.accounts.forms import Form, line
from app.accounts.models import Institution
from app.contracts.services import Signed
from app.files.services import Upload
from app.web.pages import localized

_NEEDED = InputRequired(_l("Fill this in."))
_TOO_LONG = _l("This is too long.")


class ContractForm(Form):
    """A contract that was signed."""

    institution = SelectField(_l("Institution"), [_NEEDED], coerce=str)
    number = StringField(
        _l("Number of the contract"), [_NEEDED, Length(max=64, message=_TOO_LONG)], filters=[line]
    )
    valid_from = DateField(_l("First day"), [_NEEDED])
    valid_until = DateField(_l("Last day"), [Optional()], description=_l("None: without end."))
    document = FileField(
        _l("Document"),
        [Optional()],
        description=_l("PDF, Word, Excel or a picture, at most 10 MB."),
    )
    note = StringField(_l("Note"), [Optional(), Length(max=500, message=_TOO_LONG)], filters=[line])

    def __init__(self, partners: Iterable[Institution], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.institution.choices = [
            SelectChoice("", _l("Choose one.")),
            *(SelectChoice(str(each.id), localized(each)) for each in partners),
        ]

    def to_signed(self) -> Signed:
        sent = self.document.data
        return Signed(
            institution_id=int(self.institution.data),
            number=self.number.data,
            valid_from=self.valid_from.data,
            valid_until=self.valid_until.data,
            note=self.note.data or "",
            document=Upload(sent.filename or "", sent.read()) if sent else None,
        )


class EndForm(Form):
    """Why a contract is ended."""

    reason = StringField(
        _l("Reason"), [_NEEDED, Length(max=500, message=_TOO_LONG)], filters=[line]
    )
