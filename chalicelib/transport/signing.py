"""Signs requests to DynamoDB and its streams by AWS Signature Version 4; the signing key is cached.

(AWS Identity and Access Management User Guide, "Create a signed AWS API request".)
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

from botocore.exceptions import NoCredentialsError

CONTENT_TYPE = "application/x-amz-json-1.0"
_SKEW_SECONDS = 240.0
"""The difference from which a clock is corrected. AWS accepts up to 5 minutes."""


class Signer:
    """Signs requests to one host. `credentials` are botocore's, which it renews before they expire;
    `clock` returns seconds since the epoch.
    """

    def __init__(
        self, credentials: Any, region: str, host: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._credentials = credentials
        self._region = region
        self._host = host
        self._clock = clock
        self._skew = 0.0

    def headers(self, target: str, body: bytes) -> dict[str, str]:
        """The headers of a POST of this body to "/". Raises NoCredentialsError."""
        if self._credentials is None:
            raise NoCredentialsError
        frozen = self._credentials.get_frozen_credentials()
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self._clock() + self._skew))
        signed = {
            "Content-Type": CONTENT_TYPE,
            "Host": self._host,
            "X-Amz-Date": now,
            **({"X-Amz-Security-Token": frozen.token} if frozen.token else {}),
            "X-Amz-Target": target,
        }
        names = ";".join(signed).lower()
        scope = f"{now[:8]}/{self._region}/dynamodb/aws4_request"
        request = hashlib.sha256(_canonical(signed, names, body)).hexdigest()
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{request}".encode()
        key = _key(frozen.secret_key, now[:8], self._region)
        signature = hmac.digest(key, text, "sha256").hex()
        return {
            **signed,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={frozen.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}",
        }

    def correct_clock(self, date: str) -> bool:
        """Takes the time of a reply's header Date if the clock differs too much; whether it did."""
        try:
            skew = parsedate_to_datetime(date).timestamp() - self._clock()
        except ValueError:
            return False
        if abs(skew - self._skew) < _SKEW_SECONDS:
            return False
        self._skew = skew
        return True


def _canonical(signed: Mapping[str, str], names: str, body: bytes) -> bytes:
    """The request in the form that is signed. The headers are sorted by their names."""
    lines = "\n".join([f"{name.lower()}:{value}" for name, value in signed.items()])
    return f"POST\n/\n\n{lines}\n\n{names}\n{hashlib.sha256(body).hexdigest()}".encode()


@lru_cache(maxsize=4)
def _key(secret: str, date: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, "dynamodb", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
