"""Texts in the language of the site, which is one for everybody: what all see is rendered once."""

import hashlib
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext


def text(english: str) -> str:
    """What gettext says. For constants that are in nearly every page: it is looked up once."""
    return _text(settings.LANGUAGE_CODE, english)


@cache
def _text(language: str, english: str) -> str:
    return gettext(english)


def number(value: float, decimals: int = 0) -> str:
    """A number with so many decimal places, as one reads it: 1,234."""
    return number_format(value, decimals, force_grouping=True)


@cache
def texts_version() -> str:
    """Changes when the language of the site does, or what it says in it."""
    files = [file for folder in settings.LOCALE_PATHS for file in Path(folder).glob("*/LC_MESSAGES/*.mo")]
    said = b"".join([settings.LANGUAGE_CODE.encode(), *(file.read_bytes() for file in sorted(files))])
    return hashlib.sha256(said).hexdigest()[:12]
