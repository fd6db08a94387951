"""The commands of `wann`, one file each; they read arguments, call the library and print."""

from wann.cli.compare import compare
from wann.cli.doctor import doctor
from wann.cli.draw import draw
from wann.cli.evaluate import evaluate
from wann.cli.export import export
from wann.cli.front import front
from wann.cli.import_ import import_
from wann.cli.play import play
from wann.cli.plot import plot
from wann.cli.predict import predict
from wann.cli.prune import prune
from wann.cli.race import race
from wann.cli.replay import replay
from wann.cli.report import report
from wann.cli.runs import runs
from wann.cli.search import resume, search
from wann.cli.sensitivity import sensitivity
from wann.cli.settings import settings
from wann.cli.table import table
from wann.cli.tasks import tasks
from wann.cli.tune import tune
from wann.cli.watch import watch

GROUPS = {
    "Search": (search, resume, runs, watch),
    "Look at a champion or a run": (replay, draw, plot, front, report, play),
    "Measure champions": (evaluate, sensitivity, table, compare),
    "Improve champions": (tune, race, prune),
    "Use elsewhere": (predict, export, import_),
    "Help": (tasks, settings, doctor),
}
"""Headings of the program's help, and the commands under each, in the order in which one meets them."""

COMMANDS = tuple(command for members in GROUPS.values() for command in members)
"""Every command, in the order of `GROUPS`."""
