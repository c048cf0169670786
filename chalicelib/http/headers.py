"""Headers: those that views of several routes ask for, besides what is common to all requests."""

import re
from typing import Annotated

from chalicelib.http.problems import invalid
from chalicelib.http.signature import Header

_ETAG = re.compile(
    r'(?P<weak>W/(?="))?(?P<quote>"?)(?P<version>[1-9][0-9]{0,15})(?P=quote)', re.ASCII
)


def matched_version(if_match: str) -> int | None:
    """The version that `If-Match` names, None for any; 0, which is no version, for a weak tag,
    which this comparison never matches (RFC 9110, section 13.1.1).

    Raises Problem.
    """
    if if_match.strip() == "*":
        return None
    named = _ETAG.fullmatch(if_match.strip())
    if named is None:
        raise invalid("If-Match", 'expected a version, such as "7"')
    return 0 if named["weak"] else int(named["version"])


IfMatch = Annotated[int | None, Header("If-Match", matched_version)]
