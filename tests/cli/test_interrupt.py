"""Ctrl-C at any moment of a command's first seconds ends it in one line, with exit code 130."""

import os
import signal
import subprocess
import sys
import time

import pytest

from wann.utils.signals import Interrupt, noting_interrupts, told_apart


def interrupted(path, moment):
    """Exit code and errors of a search that is interrupted so many seconds after its start."""
    command = [sys.executable, "-m", "wann", "search", "swingup", "--set=generations=1000000"]
    process = subprocess.Popen(
        [*command, f"--out={path}"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    time.sleep(moment)
    process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=120)
    finally:
        process.kill()
        process.wait()
    return process.returncode, errors


def is_python_starting(code, errors):
    """Whether the signal came before the first line of ours was reached."""
    return code != 130 and "/wann/" not in errors


@pytest.mark.slow
@pytest.mark.parametrize("moment", [0.1, 0.3, 0.6, 0.9, 1.3, 1.8])
def test_an_interrupt_of_the_first_seconds_ends_in_one_line(tmp_path, moment):
    code, errors = interrupted(tmp_path / "run", moment)
    for later in range(10):
        if not is_python_starting(code, errors):
            break
        code, errors = interrupted(tmp_path / f"run-{later}", moment + 0.2 * (later + 1))
    assert code == 130, errors
    assert "Traceback" not in errors
    assert [line for line in errors.splitlines() if line] in ([], ["wann: interrupted"])


def test_an_interrupt_while_a_module_is_loaded_ends_the_process_at_once(tmp_path):
    (tmp_path / "swallows.py").write_text(
        "import os, signal\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT)\n    for _ in range(10**9): pass\n"
        "except BaseException:\n    raise ImportError('turned into another')\n"
    )
    code = "from wann.utils.signals import noting_interrupts\nwith noting_interrupts(): import swallows"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": f"{os.environ.get('PYTHONPATH', '')}{os.pathsep}{tmp_path}"},
    )
    assert (done.returncode, done.stderr) == (130, "wann: interrupted\n")


def test_an_interrupt_that_turned_into_another_error_is_still_an_interrupt(wann_command, monkeypatch):
    def turn(*arguments, **options):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("some library") from None

    monkeypatch.setattr("wann.run.search.search", turn)
    before = signal.getsignal(signal.SIGINT)
    code, _, errors = wann_command("search", "swingup", "--quiet")
    assert (code, errors) == (130, "wann: interrupted\n")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_is_told_from_what_code_raises_itself():
    with told_apart() as is_users:
        with pytest.raises(Interrupt) as caught:
            signal.raise_signal(signal.SIGINT)
        assert is_users(caught.value)
        assert not is_users(KeyboardInterrupt())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_where_an_interrupt_is_ignored_it_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with noting_interrupts() as came, told_apart():
            signal.raise_signal(signal.SIGINT)
        assert not came()
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
