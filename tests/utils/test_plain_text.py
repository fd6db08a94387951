"""Control characters are shown, and everything else is left as it is."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from wann.utils.plain_text import has_control, markdown_cell, plain
from wann.utils.terminal import PlainConsole


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
        ("over\rwritten", r"over\rwritten"),
        ("\x9b31m", r"\x9b31m"),
        ("evil\u202egpj.exe", r"evil\u202egpj.exe"),
        ("line\u2028break", r"line\u2028break"),
        ("half \udce9", r"half \udce9"),
        ("\x00", r"\x00"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text, shown):
    assert has_control(text)
    assert plain(text) == shown
    assert not has_control(shown)


@pytest.mark.parametrize(
    "text", ["two\nlines\tand a tab", "Größe (µm) 温度", "می\u200cخواهم", "a\u00a0b", r"\x1b", "[red]"]
)
def test_other_text_is_left_as_it_is(text):
    assert not has_control(text)
    assert plain(text) == text


def test_a_cell_of_markdown_is_read_as_it_is():
    assert markdown_cell("[a](http://b)|<img>\n`c`\x1b") == r"\[a](http://b)\|\<img> \`c\`\\x1b"


def shown_on(terminal, *parts):
    file = io.StringIO()
    PlainConsole(file=file, force_terminal=terminal, color_system="standard", width=80).print(*parts)
    return file.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_console_reads_no_markup_and_sends_no_control_character(terminal):
    table = Table(title="[/t]\x1b[31m")
    table.add_column("[/c]\x07")
    table.add_row("[red]cell\x1b]0;x\x07")
    table.add_row(Text("text\x9b31m [/x]"))
    text = shown_on(terminal, "[/x] :smile: \x1b[2J", table)
    for part in ("[/t]", "[/c]", "[red]cell", r"\x1b]0;x", r"text\x9b31m", "[/x] :smile:", r"\x1b[2J"):
        assert part in text
    own = text.replace("\x1b[1m", "").replace("\x1b[3m", "").replace("\x1b[0m", "")  # of rich's own styles
    assert not has_control(own)


def test_a_console_keeps_styles_of_its_own():
    assert shown_on(True, Text("bold", "bold")) == "\x1b[1mbold\x1b[0m\n"
