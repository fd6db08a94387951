"""The command `wann settings`."""

from __future__ import annotations

import json
import shlex
import textwrap
from typing import TYPE_CHECKING, Any

import click

from wann.cli.options import echo, examples, json_option, refuse_given, screen

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from wann.settings import Settings

_NO_BOUND = 10**9  # and above: of no interest
_NOT_SET_BY_NAME = ("task", "preset", "env_kwargs", "fresh_env", "initial_genome")  # options of their own
_WIDE = 120  # columns that the table needs; on less, a setting has its meaning below it
_FOUND_OUT = ("stepping", "fresh_env", "initial_genome")  # when a search starts: not in a file to start from


@click.command(
    epilog=examples(
        "wann settings",
        "wann settings population episodes",
        "wann settings --task CartPole-v1 --preset laptop --toml > mine.toml",
    )
)
@click.argument("names", metavar="[NAME...]", nargs=-1)
@click.option(
    "--task", metavar="TASK", default="swingup", show_default=True, help="Task whose preset is shown."
)
@click.option(
    "--preset", metavar="NAME", show_default="the task's own", help="Preset whose values are shown."
)
@click.option("--toml", "as_toml", is_flag=True, help="File to start from, for 'wann search --config FILE'.")
@json_option
def settings(names: tuple[str, ...], task: str, preset: str | None, as_toml: bool, as_json: bool) -> None:
    """List settings, their values and their meanings.

    NAME: one or more settings, shown with the values they may have; every setting where none is named.
    """
    from wann.settings import Settings, build_settings
    from wann.tasks.registry import get_task, preset_settings
    from wann.utils.nearest import nearest

    for name in names:
        if name not in Settings.model_fields:
            raise ValueError(f"unknown setting {name!r}; {nearest(name, Settings.model_fields)}")
    resolved = build_settings(preset_settings(get_task(task), preset))
    fields = {name: Settings.model_fields[name] for name in names or Settings.model_fields}
    if as_json:
        refuse_given(("toml",), "--json and --toml are two forms of one thing")
        echo(json.dumps(_as_json(task, resolved, fields)))
    elif as_toml:
        echo(_as_toml(task, resolved, fields), nl=False)
    elif names:
        _print_some(resolved, fields)
    else:
        _print_all(f"{task}, preset {resolved.preset}", resolved, fields)


def _as_json(task: str, resolved: Settings, fields: dict[str, FieldInfo]) -> dict[str, Any]:
    values = resolved.model_dump(mode="json")
    return {
        "task": task,
        "preset": resolved.preset,
        "settings": {
            name: {"value": values[name], "meaning": field.description, "allowed": _allowed(name)}
            for name, field in fields.items()
        },
    }


def _as_toml(task: str, resolved: Settings, fields: dict[str, FieldInfo]) -> str:
    """Every setting with its meaning above it; those that are not set, or not used, as comments."""
    import tomli_w

    from wann.settings import unused_names

    unused = unused_names(resolved)
    lines = [f"# {task}, preset {resolved.preset}. Search: wann search --config FILE\n"]
    for name, field in fields.items():
        if name in _FOUND_OUT:
            continue
        value = getattr(resolved, name)
        meaning = f"{field.description}; {_allowed(name)}" if _allowed(name) else str(field.description)
        if name in unused:
            meaning += f"; not used where {unused[name]}"
        lines.append(textwrap.fill(meaning, 100, initial_indent="# ", subsequent_indent="# "))
        if value is None:
            lines.append(f"# {name} =\n")
            continue
        plain = list(value) if isinstance(value, tuple) else value
        # In one line also where it is a list; an empty table would be a section, which swallows what follows.
        shown = "{}" if plain == {} else _one_line(tomli_w.dumps({"x": plain}).partition(" = ")[2])
        lines.append(f"{'# ' if name in unused else ''}{name} = {shown}\n")
    return "\n".join(lines)


def _one_line(toml: str) -> str:
    return " ".join(toml.split()).replace("[ ", "[").replace(", ]", "]")


def _shown(value: Any) -> str:
    shown = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return "not set" if value is None else shown


def _allowed(name: str) -> str:
    """The values that a setting may have, in words; empty where its meaning says it."""
    from wann.settings import Settings

    schema = Settings.model_json_schema()["properties"][name]
    choices = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    optional = len(choices) < len(schema.get("anyOf", [schema]))
    words = [word for word in map(_kind, choices) if word]
    return ", or ".join([*words, *["not set"] * (optional and bool(words))])


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    noun = {"integer": "whole number", "number": "number", "boolean": "true or false"}.get(
        schema.get("type", "")
    )
    if noun is None:
        return ""
    bounds = [
        f"{words} {schema[key]:,}"
        for key, words in (
            ("minimum", "at least"),
            ("exclusiveMinimum", "above"),
            ("maximum", "at most"),
            ("exclusiveMaximum", "below"),
        )
        if key in schema and schema[key] < _NO_BOUND
    ]
    return " ".join([noun, " and ".join(bounds)]).strip()


def _print_some(resolved: Settings, fields: dict[str, FieldInfo]) -> None:
    from rich.text import Text

    console = screen()
    for place, (name, field) in enumerate(fields.items()):
        value = getattr(resolved, name)
        console.print("\n" * (place > 0) + f"{name} = {_shown(value)}", style="bold", markup=False)
        _print_indented(str(field.description))
        if _allowed(name):
            _print_indented(_allowed(name))
        example = f"  --set {name}={'VALUE' if value is None else _assigned(value)}"
        if name not in _NOT_SET_BY_NAME and len(example) <= console.width:
            console.print(Text(example, style="dim"))


def _assigned(value: Any) -> str:
    """A value as --set takes it."""
    if isinstance(value, tuple):
        return shlex.quote(json.dumps(list(value)))
    return json.dumps(value) if isinstance(value, bool) else str(value)


def _print_indented(text: str, style: str | None = None) -> None:
    from rich.padding import Padding
    from rich.text import Text

    screen().print(Padding(Text(text, style=style or ""), (0, 0, 0, 2)))


def _print_all(title: str, resolved: Settings, fields: dict[str, FieldInfo]) -> None:
    from rich.table import Table
    from rich.text import Text

    console = screen()
    if console.width < _WIDE:
        console.print(Text(title, style="italic"))
        for name, field in fields.items():
            head = Text(name, style="bold").append(f" = {_shown(getattr(resolved, name))}", style="default")
            console.print(head)
            _print_indented(str(field.description), style="dim")
        return
    table = Table(title=title, title_justify="left")
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("meaning")
    for name, field in fields.items():
        table.add_row(name, _shown(getattr(resolved, name)), field.description)
    console.print(table)
