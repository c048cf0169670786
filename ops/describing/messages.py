"""Messages: the schemas of bodies and query objects, from their msgspec types.

msgspec describes what it decodes. A reader of an answer needs to know more: which properties are
always there, and which can be null. Both follow from how a message is encoded.
"""

from collections.abc import Iterator, Sequence
from inspect import cleandoc
from typing import Any

import msgspec
from msgspec import NODEFAULT, UNSET, inspect

Json = dict[str, Any]

REF = "#/components/schemas/{name}"
_NULL = {"type": "null"}


def schemas(kinds: Sequence[type]) -> dict[str, Json]:
    """The schema of each of these messages, and of each that they consist of, by its name."""
    _, components = msgspec.json.schema_components(kinds, ref_template=REF)
    structs = dict(_structs(inspect.multi_type_info(kinds)))
    return {name: _message(structs[name], schema) for name, schema in sorted(components.items())}


def parameters(query: type) -> dict[str, Json]:
    """The schemas of the parameters of a query object. One that is absent is left out, not null."""
    _, components = msgspec.json.schema_components([query], ref_template=REF)
    properties = components[query.__name__]["properties"]
    return {name: _parameter(schema) for name, schema in properties.items()}


def schema_of(kind: Any) -> Json:
    """The schema of a field's type."""
    return tidy(msgspec.json.schema(kind))


def _structs(kinds: Any) -> Iterator[tuple[str, type]]:
    """The structs in these types, by name."""
    for kind in kinds:
        if isinstance(kind, inspect.StructType):
            yield kind.cls.__name__, kind.cls
            yield from _structs([field.type for field in kind.fields])
        for inner in ("type", "item_type", "key_type", "value_type"):
            if hasattr(kind, inner):
                yield from _structs([getattr(kind, inner)])
        for inner in ("types", "item_types"):
            yield from _structs(getattr(kind, inner, ()))


def _message(kind: type, schema: Json) -> Json:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    config = kind.__struct_config__  # type: ignore[attr-defined]  # As every struct has.
    properties = {name: tidy(each) for name, each in schema["properties"].items()}
    required = schema["required"]
    if not config.forbid_unknown_fields:
        # A response: what is null is left out where defaults are, and is there where they are not.
        omitted = [name for name, field in fields.items() if field.default is UNSET]
        if config.omit_defaults:
            for name, field in fields.items():
                if field.default is not NODEFAULT and field.default is not UNSET:
                    omitted.append(name)
                    properties[name] = _without_null(properties[name])
        required = [name for name in fields if name not in omitted]
    described = {
        "type": "object",
        "description": " ".join(cleandoc(schema.get("description", "")).split()),
        "properties": properties,
    }
    if required:
        described["required"] = required
    if "additionalProperties" in schema:
        described["additionalProperties"] = schema["additionalProperties"]
    return described


def tidy(schema: Json) -> Json:
    """A property's schema: with its description first, and without a default.

    A default makes generated types require the property; descriptions say it.
    """
    chosen = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    options = [each for each in schema.get("anyOf", ()) if each != _NULL]
    if len(options) == 1:
        chosen = {**options[0], **chosen}
        if "$ref" in chosen:
            chosen["anyOf"] = [{"$ref": chosen.pop("$ref")}, _NULL]
        else:
            chosen["type"] = [chosen.get("type", "string"), "null"]
            if "enum" in chosen:
                chosen["enum"] = [*(each for each in chosen["enum"] if each is not None), None]
    elif options:
        chosen["anyOf"] = schema["anyOf"]
    if "$ref" in chosen:
        chosen.pop("type", None)
    elif "enum" in chosen:
        chosen.setdefault("type", "string")
    for inner in ("items", "additionalProperties"):
        if isinstance(chosen.get(inner), dict):
            chosen[inner] = tidy(chosen[inner])
    return {key: chosen[key] for key in sorted(chosen, key=_order)}


def _order(key: str) -> int:
    first = ("type", "$ref", "anyOf", "oneOf", "description")
    return first.index(key) if key in first else len(first) + (key == "examples")


def _without_null(schema: Json) -> Json:
    kept = dict(schema)
    if kept.get("anyOf", [None])[-1] == _NULL:
        kept = {**kept.pop("anyOf")[0], **kept}
    if "$ref" in kept:
        kept.pop("type", None)
    elif isinstance(kept.get("type"), list):
        kept["type"] = kept["type"][0]
    if "enum" in kept:
        kept["enum"] = [each for each in kept["enum"] if each is not None]
    return kept


def _parameter(schema: Json) -> Json:
    """With its default, which a parameter may have, unless that is to be absent."""
    kept = _without_null(tidy(schema))
    default = schema.get("default")
    return kept if default is None else {**kept, "default": default}
