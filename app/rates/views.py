"""Pages of rates, and the words of quotes for all templates."""

from flask import Blueprint

from app.domain.notation import day_in_words
from app.domain.quote_words import count_in_words, item_in_words
from app.domain.rate_card import UNIT_NAMES

bp = Blueprint("rates", __name__, template_folder="templates")

bp.add_app_template_filter(item_in_words, "line_item")
bp.add_app_template_filter(count_in_words, "line_count")
bp.add_app_template_filter(UNIT_NAMES.__getitem__, "unit_name")
bp.add_app_template_filter(day_in_words, "day_in_words")
