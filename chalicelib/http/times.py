"""Times in requests, in RFC 3339. Digits beyond microseconds are truncated.

msgspec would round them, and so move the last instant of a year to the next one.
"""

import re
from datetime import datetime
from typing import Annotated

import msgspec

from chalicelib.domain.errors import InvalidField
from chalicelib.domain.fields import utc
from chalicelib.http.faults import NO_TIME, Check
from chalicelib.http.field_types import EffectiveAt

_BEYOND_MICROSECONDS = re.compile(r"(?<=\.[0-9]{6})[0-9]+", re.ASCII)


def cut(text: str) -> str:
    """A time's text without the digits beyond microseconds; any other text unchanged."""
    return _BEYOND_MICROSECONDS.sub("", text)


def instant(text: str, where: str) -> datetime:
    """The instant in UTC. Raises InvalidField."""
    try:
        return utc(msgspec.convert(cut(text), datetime), where)
    except msgspec.ValidationError:
        raise InvalidField(where, NO_TIME) from None


Instant = Annotated[EffectiveAt, Check(instant)]
"""A time in the body of a request."""
