"""Headers that views of several routes have as parameters."""

import re
from typing import Annotated

from chalicelib.http.problems import invalid
from chalicelib.http.signature import Header

_ETAG = re.compile(
    r'(?P<weak>W/(?="))?(?P<quote>"?)(?P<version>[1-9][0-9]{0,15})(?P=quote)', re.ASCII
)


def matched_version(if_match: str) -> int | None:
    """The version in `If-Match`; None for `*`, and 0, which matches no version, for a weak tag (RFC
    9110, section 13.1.1). Raises Problem.
    """
    if if_match.strip() == "*":
        return None
    named = _ETAG.fullmatch(if_match.strip())
    if named is None:
        raise invalid("If-Match", 'expected a version, such as "7"')
    return 0 if named["weak"] else int(named["version"])


IfMatch = Annotated[int | None, Header("If-Match", matched_version)]
