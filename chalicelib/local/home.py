"""The page at `/` of `chalice local`: it leads to the console."""

from chalicelib.http.cached import led_to
from chalicelib.http.response import Response
from chalicelib.http.router import Router

routes = Router(__name__)


@routes.public("/", described=False)
def home(**_: object) -> Response[str]:
    """Leads a browser to the console."""
    return led_to("/console", 302)
