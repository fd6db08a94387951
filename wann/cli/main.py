"""The command line: its group of commands, and how errors end."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

import click

from wann.cli.commands import COMMANDS, GROUPS
from wann.cli.options import INTERRUPTED, echo
from wann.utils.signals import noting_interrupts
from wann.version import __version__

USER_ERROR = 2
_MANY = 100_000  # new objects between collections: importing makes many and drops none


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; user errors end in one line and exit code 2."""
    before = gc.get_threshold()
    gc.set_threshold(_MANY)
    try:
        with noting_interrupts() as interrupted:
            try:
                code = commands.main(arguments, prog_name="wann", standalone_mode=False)
            except BaseException:
                if interrupted():
                    raise KeyboardInterrupt from None
                raise
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        hint = f" (see {context.command_path} --help)" if context else ""
        _fail(_one_line(error.format_message() + hint), USER_ERROR)
    except click.Abort:
        _fail("interrupted", INTERRUPTED)
    except KeyboardInterrupt:
        _fail("interrupted", INTERRUPTED)
    except ValueError as error:
        _fail(_one_line(str(error)), USER_ERROR)
    except OSError as error:
        _fail(_one_line(f"{error.filename or 'a file'}: {error.strerror or error}"), 1)
    except RuntimeError as error:
        _fail(str(error), 1)
    else:
        sys.exit(code if isinstance(code, int) else 0)
    finally:
        gc.set_threshold(*before)


def _fail(message: str, code: int) -> None:
    echo(f"wann: {message}", err=True)
    sys.exit(code)


def _one_line(message: str) -> str:
    return message.replace("\n", " ")


class _Grouped(click.Group):
    """The program's commands, which its help lists under the headings of `GROUPS`; click has no headings."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the summary of every command, each in one line, the summaries below each other."""
        longest = max(len(name) for name in self.commands)
        for heading, members in GROUPS.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [
                        (f"{command.name:{longest}}", command.get_short_help_str(limit=formatter.width))
                        for command in members
                    ]
                )


# The escaped b tells click to leave the lines after it as they are.
_HELP = """Search for networks whose shape solves a task: every connection carries the same weight.

\b
Start with:
  wann search swingup --preset laptop --out runs/first   about a minute
  wann replay runs/first                                 watch its champion
"""


@click.group(
    cls=_Grouped,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help=_HELP,
    epilog="'wann COMMAND --help' explains a command. A champion is given as its run folder or its file.",
    invoke_without_command=True,
)
@click.version_option(__version__, prog_name="wann")
@click.pass_context
def commands(context: click.Context) -> None:
    """The program; without a command it shows its help."""
    if context.invoked_subcommand is None:
        echo(context.get_help())


for _command in COMMANDS:
    commands.add_command(_command)
