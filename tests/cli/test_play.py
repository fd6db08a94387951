"""`wann play`: the page opens, and a signal ends it."""

import os
import signal
import webbrowser

import httpx
import pytest
from players import Numbered, champion_of

from wann.champion import save_champion
from wann.cli.main import main


def test_play_ends_in_one_line_where_there_is_nothing_to_play(capsys, tmp_path):
    save_champion(champion_of("toys/Silent-v0"), tmp_path / "silent.json")
    with pytest.raises(SystemExit) as caught:
        main(["play", str(tmp_path / "silent.json"), "--no-browser"])
    captured = capsys.readouterr()
    assert (caught.value.code, captured.out) == (2, "")
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("wann: toys/Silent-v0 draws no pictures")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_play_opens_the_page_and_a_signal_ends_it_in_one_line(capsys, tmp_path, monkeypatch, number):
    opened = []

    def browser(address):
        opened.append((address, httpx.get(address).status_code))
        os.kill(os.getpid(), number)

    monkeypatch.setattr(webbrowser, "open", browser)
    monkeypatch.setenv("DISPLAY", ":0")
    save_champion(champion_of("toys/Numbered-v0"), tmp_path / "champion.json")
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as caught:
        main(["play", str(tmp_path / "champion.json")])
    captured = capsys.readouterr()
    ((address, status),) = opened
    assert (caught.value.code, status, captured.err) == (0, 200, "")
    first, *_, last = captured.out.splitlines()
    assert (first, last) == (f"Playing toys/Numbered-v0 at {address}", "Ended.")
    assert signal.getsignal(number) == before
    assert Numbered.open == 0
