"""Docs page: the OpenAPI document as one HTML page, without scripts and without other files."""

import json
from html import escape
from typing import Any

Json = dict[str, Any]

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
code,pre{font:14px/1.4 ui-monospace,monospace}
pre{background:#f6f6f6;padding:.75rem;overflow:auto;border-radius:4px}
h2{margin-top:3rem;border-top:1px solid #ddd;padding-top:1rem}
table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0}
td,th{border-bottom:1px solid #eee}
.get{color:#06603a}.post{color:#0b4da2}.patch{color:#8a5300}
@media(prefers-color-scheme:dark){
body{background:#151515;color:#ddd}pre{background:#222}a{color:#8bf}}
"""


def page(document: Json) -> str:
    """The page of a document."""
    operations = [
        (method, path, _resolved(operation, document["components"]))
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    info = document["info"]
    contents = "".join(
        f'<li><a href="#{escape(each["operationId"])}">{method.upper()} {escape(path)}</a></li>'
        for method, path, each in operations
    )
    body = "".join(_operation(method, path, each) for method, path, each in operations)
    schemas = "".join(
        f'<h3 id="schema-{escape(name)}">{escape(name)}</h3>{_json(schema)}'
        for name, schema in document["components"]["schemas"].items()
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style>"
        f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1>"
        f"<p>{escape(info['summary'])} {_text(info['description'])} "
        'Every example on this page was executed. For programs: <a href="openapi.json">'
        f"openapi.json</a>.</p><ul>{contents}</ul>{body}<h2>Messages</h2>{schemas}</html>\n"
    )


def _resolved(operation: Json, components: Json) -> Json:
    """An operation with its parameters and responses in the place of references to them."""

    def resolve(each: Json) -> Json:
        *_, kind, name = each.get("$ref", "/").split("/")
        return components[kind][name] if name else each

    return {
        **operation,
        "parameters": [resolve(each) for each in operation["parameters"]],
        "responses": {status: resolve(each) for status, each in operation["responses"].items()},
    }


def _operation(method: str, path: str, operation: Json) -> str:
    parts = [
        f'<h2 id="{escape(operation["operationId"])}"><span class="{method}">{method.upper()}'
        f"</span> <code>{escape(path)}</code></h2><p>{_text(operation['summary'])}</p>"
    ]
    if operation["parameters"]:
        rows = "".join(
            f"<tr><td><code>{escape(each['name'])}</code><td>{each['in']}"
            f"<td>{_text(each['description'])}"
            for each in operation["parameters"]
        )
        parts.append(f"<table><tr><th>parameter<th>in<th>{rows}</table>")
    if "requestBody" in operation:
        parts.append("<h3>Body</h3>" + _content(operation["requestBody"]["content"]))
    for status, response in operation["responses"].items():
        parts.append(f"<h3>{status} {_text(response['description'])}</h3>")
        parts.append(_content(response["content"]))
    return "".join(parts)


def _content(content: Json) -> str:
    shown = []
    for media, described in content.items():
        name = described["schema"].get("$ref", "").rpartition("/")[2]
        shown.append(f'<p>{media}: <a href="#schema-{escape(name)}">{escape(name)}</a></p>')
        shown += [_json(each["value"]) for each in described.get("examples", {}).values()]
    return "".join(shown)


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _text(text: str) -> str:
    """Text with `code` in it."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts))
