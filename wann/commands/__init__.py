"""The commands of `wann`, one file each; they read arguments, call the library and print."""

from wann.commands.compare import compare
from wann.commands.doctor import doctor
from wann.commands.draw import draw
from wann.commands.evaluate import evaluate
from wann.commands.export import export
from wann.commands.front import front
from wann.commands.import_ import import_
from wann.commands.play import play
from wann.commands.plot import plot
from wann.commands.prune import prune
from wann.commands.race import race
from wann.commands.replay import replay
from wann.commands.report import report
from wann.commands.search import resume, search
from wann.commands.sensitivity import sensitivity
from wann.commands.settings import settings
from wann.commands.table import table
from wann.commands.tasks import tasks
from wann.commands.tune import tune
from wann.commands.watch import watch

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
