"""One long search whose surroundings fail in every way we know, beside one that nothing disturbs.

    python tests/soak.py --minutes 60

Its environment fails now and then, by the action. Meanwhile the search is killed and interrupted, its disk is
full, the clock is set back (as it sees it), its checkpoints are damaged; and on a cluster its evaluators are
killed, hosts stand still as behind a cut link, join, and are lost. Both searches must have the same bits.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import toys
from killing import begin
from searches import TOY, result, toy

from wann.cli.search import resume as resume_command
from wann.run.folder import RunFolder
from wann.run.loop import SearchFailedError
from wann.run.search import resume

STEP = 6  # generations from one comparison to the next
SETTINGS = TOY | {"env_kwargs": {"trouble": "raise", "width": 0.01}, "checkpoint_seconds": 0.0}
TASK = "toys/Toy-v0"
# Workers have to import the module of the environment, which is one of ours.
TRUST = ["--trust"] * any("--trust" in each.opts for each in resume_command.params)
FULL = 3  # MB, size of the disk that is filled up


def generations(run: Path) -> int:
    """Complete generations that a run can go on from."""
    checkpoint, _ = RunFolder.open(run).load_checkpoint()
    return checkpoint.state.generation if checkpoint else 0


def ended(child: int) -> int:
    """Exit code of a process, once it has ended."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextmanager
def disk(folder: Path) -> Iterator[bool]:
    """A small file system of its own in a folder, where the system lets us mount one; whether it did."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={FULL}m", "tmpfs", str(folder)]
    mounted = False
    with suppress(OSError):
        mounted = subprocess.run(["mount", *options], capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


class Soak:
    """A run that is disturbed, and its twin that is not.

    Args:
        folder: empty, for both.
        seed: of the faults.
        mounted: whether the run lies on a small disk that may be filled up.
    """

    def __init__(self, folder: Path, seed: int, mounted: bool) -> None:
        self.run, self.twin = folder / "disk" / "run", folder / "twin"
        self.rng = random.Random(seed)  # noqa: S311
        self.faults: Counter[str] = Counter()
        self.target = 1
        self.kinds: list[Callable[[], None]] = [self.killed, self.interrupted, self.set_back, self.damaged]
        self.kinds += [self.full] * mounted
        self.coming: list[Callable[[], None]] = []  # all kinds in turn, shuffled
        for path in (self.run, self.twin):
            toy(path, "Toy", **SETTINGS | {"generations": 1})

    def arguments(self) -> list[str]:
        """The command that takes the run to the next comparison."""
        return ["resume", str(self.run), f"--set=generations={self.target}", "--quiet", "--threads=1"]

    def advance(self) -> None:
        """Go on by some generations, each time that the search has started with one more fault; compare."""
        self.target += STEP
        while generations(self.run) < self.target:
            before = generations(self.run)
            self.coming = self.coming or self.rng.sample(self.kinds, len(self.kinds))
            kind = self.coming.pop()
            kind()
            self.faults[kind.__name__.replace("_", " ")] += 1
            lost = before - generations(self.run)
            assert lost <= (kind == self.damaged), f"{lost} generations are lost"
        self.compare()

    def compare(self) -> None:
        """Let both end their generations, and see that they have the same bits."""
        self.finish()
        others: dict[str, object] = {}
        while True:
            try:
                resume(self.twin, generations=self.target, threads=1, **others)
                break
            except SearchFailedError:
                others = {"skip_episodes": (generations(self.twin) + 1,)}
        assert result(self.run) == result(self.twin), f"other bits after {self.target} generations"

    def finish(self) -> None:
        """Let the search end its generations; one in which its environment fails most networks, on others."""
        others: list[str] = []
        while (code := ended(begin([*self.arguments(), *others], self.run))) == 1:
            others = [f"--set=skip_episodes={generations(self.run) + 1}"]
        assert code == 0, f"the search ended with {code}"

    def ended_by(self, *numbers: signal.Signals, longest: float = 0.5) -> int:
        """Exit code of the search, sent signals at random moments."""
        child = begin(self.arguments(), self.run)
        for number in numbers:
            time.sleep(self.rng.uniform(0.0, longest))
            with suppress(ProcessLookupError):
                os.kill(child, number)
        code = ended(child)
        if code == 1:
            self.finish()
        return 0 if code == 1 else code

    def killed(self) -> None:
        """The process is killed."""
        assert self.ended_by(signal.SIGKILL) in (0, -signal.SIGKILL)

    def interrupted(self) -> None:
        """It is asked to end."""
        number = self.rng.choice((signal.SIGINT, signal.SIGTERM))
        assert self.ended_by(number) in (0, 130, -signal.SIGTERM)

    def set_back(self) -> None:
        """The clock goes back a day, and on again, as this process sees it."""
        real, day = time.time, 86_400.0
        time.time = lambda: real() - day * (int(10.0 * real()) % 2)
        try:
            assert self.ended_by(signal.SIGKILL) in (0, -signal.SIGKILL)
        finally:
            time.time = real

    def damaged(self) -> None:
        """The newest checkpoint is cut off, overwritten or lost."""
        path = self.run / "checkpoint.npz"
        if not (self.run / "checkpoint.previous.npz").exists() or not path.exists():
            return
        content = bytearray(path.read_bytes())
        place = self.rng.randrange(len(content))
        how = self.rng.randrange(3)
        if how == 0:
            path.write_bytes(content[:place])
        elif how == 1:
            content[place : place + 64] = self.rng.randbytes(64)
            path.write_bytes(content)
        else:
            path.unlink()

    def full(self) -> None:
        """The disk is full for a while."""
        child = begin(self.arguments(), self.run)
        time.sleep(self.rng.uniform(0.0, 0.5))
        ballast = self.run.parent / "ballast"
        with suppress(OSError), open(ballast, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        code = ended(child)
        ballast.unlink()
        assert code in (0, 1), code

    def on_a_cluster(self, seconds: float) -> None:
        """Let another process disturb the search on a cluster for so long."""
        self.target += 40 * STEP
        given = [str(self.run), str(self.target), str(seconds), str(self.rng.randrange(10**6))]
        paths = [Path(toys.__file__).parent, *sys.path[1:]]
        done = subprocess.run(
            [sys.executable, __file__, "--cluster", *given],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        for line in done.stdout.splitlines():
            if line.startswith("fault: "):
                self.faults[line.removeprefix("fault: ")] += 1
        self.target = max(generations(self.run), 1)
        self.compare()


def disturb_cluster(run: Path, target: int, seconds: float, seed: int) -> None:
    """Let a search go on on a cluster of ours whose parts are killed, stopped, lost and replaced."""
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "a" * 64}
    from ray._raylet import Config
    from ray.cluster_utils import Cluster

    Config.initialize("")
    rng = random.Random(seed)  # noqa: S311
    small = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
    cluster = Cluster(initialize_head=True, head_node_args=small)
    command = [
        sys.executable,
        "-c",
        "import toys; from wann.__main__ import main; main()",
        "resume",
        str(run),
    ]
    command += [f"--set=generations={target}", "--quiet", f"--address={cluster.address}", *TRUST]
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    end = time.monotonic() + seconds
    try:
        while driver.poll() is None and time.monotonic() < end:
            time.sleep(rng.uniform(0.2, 1.0))
            kind = rng.choice(("kill", "kill", "kill", "stop", "join", "lose", "driver"))
            alive = evaluators()
            if kind == "join" and len(cluster.worker_nodes) < 2:
                cluster.add_node(**small)
            elif kind == "lose" and cluster.worker_nodes:
                cluster.remove_node(rng.choice([*cluster.worker_nodes]), allow_graceful=False)
            elif kind == "kill" and alive:
                os.kill(rng.choice(alive), signal.SIGKILL)
            elif kind == "stop" and alive:  # as behind a link that is cut for some seconds
                chosen = rng.choice(alive)
                os.kill(chosen, signal.SIGSTOP)
                time.sleep(rng.uniform(0.5, 4.0))
                with suppress(ProcessLookupError):
                    os.kill(chosen, signal.SIGCONT)
            elif kind == "driver" and alive and rng.random() < 0.3:
                driver.kill()
                driver.wait()
                driver = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            else:
                continue
            print(f"fault: {kind} on a cluster", flush=True)
    finally:
        driver.send_signal(signal.SIGINT)
        driver.wait()
        cluster.shutdown()


def evaluators() -> list[int]:
    """Process ids of the evaluators that descend from this process."""
    parents, found = {}, []
    for folder in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if (folder / "cmdline").read_bytes().startswith(b"ray::Evaluating"):
                found.append(int(folder.name))

    def is_ours(process: int) -> bool:
        while process in parents and process != os.getpid():
            process = parents[process]
        return process == os.getpid()

    return [process for process in found if is_ours(process)]


def soak(
    folder: Path,
    seconds: float,
    seed: int,
    tell: Callable[[str], None],
    cluster: float = 0.0,
    most: float = math.inf,
) -> Counter[str]:
    """Disturb a search for so long, or so often; gives the number of faults of each kind.

    Args:
        folder: empty, for the runs.
        seconds: about.
        seed: of the faults.
        tell: told how far it is.
        cluster: seconds of each visit to a cluster, after every five minutes; none where it is 0.
        most: faults after which it ends before its time.

    Raises:
        AssertionError: the disturbed search has other bits, or lost more than the generation under way.
    """
    begun = time.monotonic()
    visited = begun - 300.0
    with disk(folder / "disk") as mounted:
        search = Soak(folder, seed, mounted)
        while (now := time.monotonic()) < begun + seconds and search.faults.total() < most:
            search.advance()
            if cluster and now > visited + 300.0:
                search.on_a_cluster(cluster)
                visited = time.monotonic()
            left = max(begun + seconds - time.monotonic(), 0.0) / 60.0
            told = ", ".join(f"{count} {name}" for name, count in search.faults.items())
            tell(f"{search.target} generations, {search.faults.total()} faults ({told}), {left:.0f} min left")
    return search.faults


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--faults", type=float, default=math.inf, help="after which it ends before its time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--visit", type=float, default=60.0, help="seconds on a cluster, every five minutes")
    parser.add_argument("--cluster", nargs=4, help=argparse.SUPPRESS)  # the part that is a process of its own
    options = parser.parse_args()
    if options.cluster:
        path, goal, longest, number = options.cluster
        disturb_cluster(Path(path), int(goal), float(longest), int(number))
        sys.exit(0)
    place = Path(tempfile.mkdtemp(prefix="wann-soak-"))
    shown = [0.0]

    def show(text: str) -> None:
        if time.monotonic() - shown[0] > 10.0:
            shown[0] = time.monotonic()
            print(text, flush=True)

    total = soak(place, 60.0 * options.minutes, options.seed, show, options.visit, options.faults)
    print(f"{total.total()} faults, the champion is the undisturbed one, bit for bit: {dict(total)}")
    shutil.rmtree(place)
