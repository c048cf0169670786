"""Auth: who may come in at all. What they may do there is the door's to say.

`keys`: an authorizer Lambda knows our own keys (`Authorization: Bearer tf_…`); its verdict is
cached for a minute, which is how long a revocation may take.

`cognito`: id tokens of a user pool, whose claims `custom:scopes` and `custom:ledgers` (words
separated by commas) say what a key would. No app client of the pool may write the two attributes:
a user of such a client could open every ledger. `ops/cognito.py` checks that.

`iam`: callers sign their requests (SigV4), and their own policies say what they may do. A ledger
that is not theirs is refused by API Gateway, before it comes here. `GET/ledgers` answers all names:
allow it only to those who may see them. This policy reads and writes acme, and nothing else; the
methods are spelled out because a `*` there would match slashes too:

    {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Action": "execute-api:Invoke",
        "Resource": ["arn:*:execute-api:{region}:{account}:{api}/v1/GET/ledgers/acme/*",
                     "arn:*:execute-api:{region}:{account}:{api}/v1/HEAD/ledgers/acme/*",
                     "arn:*:execute-api:{region}:{account}:{api}/v1/POST/ledgers/acme/*",
                     "arn:*:execute-api:{region}:{account}:{api}/v1/PATCH/ledgers/acme/*"]}]}
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalice.app import (
    Authorizer,
    AuthRequest,
    AuthResponse,
    Blueprint,
    CognitoUserPoolAuthorizer,
    IAMAuthorizer,
)

from chalicelib.http import keys
from chalicelib.settings import settings

CACHED_SECONDS = 60

KEY_HEADER_PATTERN = rf"^[Bb][Ee][Aa][Rr][Ee][Rr] {keys.PATTERN}$"
"""The whole `Authorization` header of a request with a key, as a regular expression.

API Gateway refuses any other header with 401, and does not invoke the authorizer for it (the
`identityValidationExpression` of an authorizer of type TOKEN). It does not apply to `cognito`,
where API Gateway compares that expression with the token's `aud`.
"""

auth = Blueprint(__name__)


@auth.authorizer(ttl_seconds=CACHED_SECONDS)
def authorize(request: AuthRequest) -> AuthResponse:
    """Lets a known key in, and tells the app what it opens."""
    _, _, secret = request.token.partition(" ")
    key = keys.find(secret) if re.fullmatch(KEY_HEADER_PATTERN, request.token) else None
    if key is None:
        return AuthResponse(routes=[], principal_id="nobody")
    context = {"scopes": ",".join(sorted(key.scopes)), "ledgers": ",".join(sorted(key.ledgers))}
    return AuthResponse(routes=["*"], principal_id=key.id, context=context)


def authorizer() -> Authorizer | None:
    """What every route but /health asks, as this stage's settings say.

    Raises ValueError for Cognito without a user pool.
    """
    match settings().auth:
        case "keys":
            guard: Authorizer = authorize
            return guard
        case "iam":
            return IAMAuthorizer()
        case "cognito":
            pool = settings().user_pool_arn
            if pool is None:
                raise ValueError("TWOFOLD_AUTH=cognito needs TWOFOLD_USER_POOL_ARN")
            return CognitoUserPoolAuthorizer("users", provider_arns=[pool])
        case _:
            return None


@dataclass(frozen=True)
class Caller:
    """Who asks, and what they may do; an empty set of ledgers or scopes opens nothing."""

    actor: str
    scopes: frozenset[str]
    ledgers: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether this scope is theirs."""
        return scope in self.scopes

    def opens(self, ledger: str) -> bool:
        """Whether this ledger is theirs."""
        return self.named is None or ledger in self.ledgers

    @property
    def named(self) -> list[str] | None:
        """The ledgers that are theirs, in order; None for all."""
        return None if keys.ALL_LEDGERS in self.ledgers else sorted(self.ledgers)


def caller(context: Mapping[str, Any]) -> Caller:
    """The caller of a request, out of what API Gateway says of it."""
    authorized = context.get("authorizer") or {}
    match settings().auth:
        case "keys":
            return Caller(
                str(authorized.get("principalId", "nobody")),
                _words(authorized.get("scopes")),
                _words(authorized.get("ledgers")),
            )
        case "cognito":
            claims = authorized.get("claims") or {}
            return Caller(
                str(claims.get("sub", "nobody")),
                _words(claims.get("custom:scopes")),
                _words(claims.get("custom:ledgers")),
            )
        case "iam":
            # IAM has judged method and path, ledger included, before the request came here.
            identity = context.get("identity") or {}
            return _unlimited(str(identity.get("userArn", "nobody")))
        case _:
            return _unlimited("anonymous")


def _unlimited(actor: str) -> Caller:
    return Caller(actor, frozenset({keys.READ, keys.WRITE}), frozenset({keys.ALL_LEDGERS}))


def _words(text: object) -> frozenset[str]:
    return frozenset(str(text or "").replace(",", " ").split())
