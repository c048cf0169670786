"""Health: whether a stage answers, and what it serves. Public."""

import msgspec

from chalicelib import __version__
from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.settings import settings

routes = Router(__name__)


class HealthBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage says of itself."""

    status: str
    serves: tuple[str, ...]
    version: str


@routes.public("/health")
def status(**_: object) -> Response[HealthBody]:
    """Whether this stage answers, and what it serves."""
    body = HealthBody(status="ok", serves=settings().serves, version=__version__)
    return Response(body, headers={"Cache-Control": "no-store"})
