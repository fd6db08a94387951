"""Measure the speed: `make bench`, or some groups of it, as `make bench ARGS="environments cluster"`.

Every figure is the median of repeated measurements after a warm-up; what is compared with each other is
measured in turns, in one run. Machines are noisy: look at the ratios first.
"""

import argparse
import os
import resource
import time
from pathlib import Path

from classification import classification
from cluster import added, scaling
from engine import kernel, searches, start_up, variation
from environments import compiled, pooled, stepped, worlds
from measuring import report
from page import page
from tuning import tuning

from wann.evaluation.evaluator import available_threads

GROUPS = ("engine", "searches", "environments", "cluster", "classification", "tuning", "page")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}; all by default")
    parser.add_argument("--searches", nargs="*", default=["lexicase", "laptop", "paper"], metavar="PRESET")
    parser.add_argument("--seed", type=int, default=1, help="of the searches")
    parser.add_argument("--repeats", type=int, default=9, help="of what environments and cluster measure")
    parser.add_argument("--run", type=Path, help="of the swing-up, for the page; searched where not given")
    parser.add_argument(
        "--cpu-time", action="store_true", help="of this process, in environments: for a busy machine"
    )
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.groups) - set(GROUPS)):
        parser.error(f"no group {unknown[0]!r}; choose from {', '.join(GROUPS)}")
    groups = arguments.groups or GROUPS
    repeats, clock = arguments.repeats, time.process_time if arguments.cpu_time else time.perf_counter
    print(
        f"{available_threads()} threads; load {os.getloadavg()[0]:.1f}; "
        f"peak memory so far {resource.getrusage(0).ru_maxrss / 1024:.0f} MB"
    )
    report("what", "bar", "seen")
    if "engine" in groups:
        kernel()
        variation()
        start_up()
    if "environments" in groups:
        stepped("BipedalWalker-v3", "at least 0.90", repeats, clock)
        stepped("LunarLander-v3", "at least 0.80", repeats, clock)
        pooled("BipedalWalkerHardcore-v3", "at least 2", repeats, clock)
        worlds("BipedalWalker-v3", ("at least 18", "at least 6"), repeats, clock)
        worlds("LunarLander-v3", ("at least 15", "at least 7"), repeats, clock)
        compiled("at least 100", repeats, clock)
    if "cluster" in groups:
        scaling("at least 1.8", repeats)
        added("at most 50 ms", repeats)
    if "classification" in groups:
        classification(repeats)
    if "tuning" in groups:
        tuning(repeats)
    if "page" in groups:
        page(arguments.run, repeats)
    if "searches" in groups:
        searches(arguments.searches, arguments.seed)


if __name__ == "__main__":
    main()
