"""The app on moto, as the tests of tests/http have it."""

from tests.http.conftest import api

__all__ = ["api"]
