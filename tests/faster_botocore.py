"""What a new client of botocore costs, made cheaper: tests make thousands, since each has an engine
of its own or another than the test before.
"""

from inspect import CO_VARKEYWORDS
from typing import Any
from unittest.mock import patch

from botocore import hooks
from botocore.hooks import EventAliaser
from botocore.loaders import Loader

_models: dict[Any, Any] = {}
_names: dict[str, str] = {}

_init_loader = Loader.__init__
_init_aliaser = EventAliaser.__init__
_accepts_kwargs = vars(hooks)["accepts_kwargs"]


def _share_models(loader: Loader, *arguments: Any, **options: Any) -> None:
    """The descriptions of AWS's services are read once."""
    _init_loader(loader, *arguments, **options)
    if not arguments and not options:  # Chalice and moto have loaders with other folders.
        vars(loader)["_cache"] = _models


def _share_names(aliaser: EventAliaser, emitter: Any, aliases: Any = None) -> None:
    """The names of events by botocore's own aliases are found once."""
    _init_aliaser(aliaser, emitter, aliases)
    if aliases is None:
        vars(aliaser)["_alias_name_cache"] = _names


def _by_flag(handler: Any) -> Any:
    """Whether a handler accepts any keyword argument, by its code's flag where it has code."""
    code = getattr(getattr(handler, "__func__", handler), "__code__", None)
    return _accepts_kwargs(handler) if code is None else bool(code.co_flags & CO_VARKEYWORDS)


def faster_botocore() -> None:
    """Replaces functions of botocore, from now on, by ones with the same results."""
    patch.object(Loader, "__init__", _share_models).start()
    patch.object(EventAliaser, "__init__", _share_names).start()
    patch.object(hooks, "accepts_kwargs", _by_flag).start()
