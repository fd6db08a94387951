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
from wann.cli.prune import prune
from wann.cli.race import race
from wann.cli.replay import replay
from wann.cli.report import report
from wann.cli.search import resume, search
from wann.cli.sensitivity import sensitivity
from wann.cli.settings import settings
from wann.cli.table import table
from wann.cli.tasks import tasks
from wann.cli.tune import tune
from wann.cli.watch import watch

COMMANDS = (
    search,
    resume,
    evaluate,
    tune,
    race,
    table,
    compare,
    sensitivity,
    prune,
    replay,
    play,
    draw,
    plot,
    report,
    front,
    watch,
    export,
    import_,
    tasks,
    settings,
    doctor,
)
"""Every command, in the order in which one meets them."""
