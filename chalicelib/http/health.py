"""The public health route."""

from typing import Annotated

import msgspec

from chalicelib import __version__
from chalicelib.http.field_types import described
from chalicelib.http.response import Response
from chalicelib.http.router import Router
from chalicelib.settings import READ_APIS, WRITE, settings

routes = Router(__name__)

APIS = (WRITE, *READ_APIS)


class HealthBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage says of itself."""

    status: Annotated[str, described("Always `ok`: a stage that is not does not answer.", "ok")]
    serves: Annotated[
        tuple[Annotated[str, described("An API.", "write", enum=list(APIS))], ...],
        described("The APIs that this stage serves.", list(APIS)),
    ]
    version: Annotated[str, described("The version of Twofold that it runs.", __version__)]


@routes.public("/health")
def status(**_: object) -> Response[HealthBody]:
    """Whether this stage answers, and what it serves."""
    body = HealthBody(status="ok", serves=settings().serves, version=__version__)
    return Response(body, headers={"Cache-Control": "no-store"})
