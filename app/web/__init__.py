"""What pages share: base templates, errors, paging, locale, static files."""
