"""Pages from data: templates, scripts and styles put into one HTML file."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from wann.utils.plain_text import plain

SCRIPTS = (
    "formats/templates/activations.js",
    *(
        f"pages/templates/{name}.js"
        for name in ("network", "swingup", "digits", "svg", "drawing", "stages", "page")
    ),
)
"""Files of the page's JavaScript in the package, each after those it uses."""


def render(data: Mapping[str, Any], live: bool = False) -> str:
    """The page, an HTML document.

    Args:
        data: from `page_data`.
        live: whether the page asks for `data.json` beside it every two seconds and updates itself.
    """
    package = files("wann")
    parts = [(package / path).read_text(encoding="utf-8") for path in SCRIPTS]
    calls = ['show(JSON.parse(byId("data").textContent));', 'live("data.json");' if live else ""]
    script = "(() => {\n'use strict';\n" + "\n".join([*parts, _PUBLIC, *calls]) + "\n})();"
    return (
        _environment()
        .get_template("report.html")
        .render(
            data=data,
            live=live,
            json=Markup(_json(data)),  # noqa: S704  no character of markup is left in it
            style=Markup((package / "pages/templates/style.css").read_text(encoding="utf-8")),  # noqa: S704  our own
            script=Markup(script),  # noqa: S704  our own
            # Nothing but this very script may run on the page.
            hashes=f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'",
        )
    )


def render_runs(data: Mapping[str, Any], live: bool = False) -> str:
    """The page of several runs, an HTML document that needs no script unless it is live.

    Args:
        data: from `wann.pages.many_runs.runs_data`.
        live: whether the page asks for `part.html` beside it every two seconds and shows that.
    """
    style, script = (
        (files("wann") / f"pages/templates/{name}").read_text(encoding="utf-8")
        for name in ("style.css", "runs.js")
    )
    return (
        _environment()
        .get_template("runs.html")
        .render(
            data=data,
            live=live,
            style=Markup(style),  # noqa: S704  our own
            script=Markup(script),  # noqa: S704  our own
            hashes=f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'",
        )
    )


def render_runs_part(data: Mapping[str, Any]) -> str:
    """What a live page of several runs shows, without the page around it."""
    return _environment().get_template("runs_part.html").render(data=data, live=True)


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("wann.pages", "templates"), autoescape=True, finalize=_shown
    )


def _shown(value: Any) -> Any:
    """A value as a page shows it: names in files and paths bring no control characters."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_PUBLIC = (
    "globalThis.wann = { show, live, view, trajectory, Network, activate, "
    "get stage() { return stage; }, get drawing() { return drawing; } };"
)


def _json(data: Mapping[str, Any]) -> str:
    """JSON that may lie within a script element: characters of markup are escaped."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))  # ASCII alone
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
