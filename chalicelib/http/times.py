"""Times: RFC 3339 as requests write it. Digits beyond microseconds are cut off, never rounded.

A client with a resolution of 100 ns or 1 ns writes the last instant of a year with seven or nine
digits. msgspec would round it to an instant of the next year.
"""

import re
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from chalicelib.domain.errors import InvalidField
from chalicelib.domain.fields import utc
from chalicelib.http.faults import NO_TIME, Check

_BEYOND_MICROSECONDS = re.compile(r"(?<=\.[0-9]{6})[0-9]+", re.ASCII)


def cut(text: str) -> str:
    """The text of a time without the digits beyond microseconds; any other text as it is."""
    return _BEYOND_MICROSECONDS.sub("", text)


def instant(text: str, where: str) -> datetime:
    """The instant that a text names, in UTC. Raises InvalidField."""
    try:
        return utc(msgspec.convert(cut(text), datetime), where)
    except msgspec.ValidationError:
        raise InvalidField(where, NO_TIME) from None


Instant = Annotated[str, Check(instant), Meta(extra_json_schema={"format": "date-time"})]
"""A time in the body of a request."""
