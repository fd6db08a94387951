"""The page of a run in progress: what it reads, when, and that it follows a search in a browser."""

import json
import shutil
import threading
import time
from contextlib import contextmanager

import httpx
import pytest

import wann.run.search
from wann.pages import watch
from wann.pages.server import serving
from wann.pages.watch import Watcher, fingerprint, watch_routes

TINY = {"population": 8, "max_steps": 50, "confirm_episodes": 4, "episodes": 2, "seed": 11, "threads": 1}


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A finished run of three generations; copy it before changing it."""
    path = tmp_path_factory.mktemp("ended") / "run"
    wann.run.search.search("swingup", out=path, generations=3, **TINY)
    return path


@pytest.fixture
def path(ended, tmp_path):
    shutil.copytree(ended, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Look often."""
    monkeypatch.setattr(watch, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(watch, "_REST", 0.1)


@pytest.fixture
def stand_in(monkeypatch):
    """Read the number of lines of the metrics in place of the page's data; gives them, reading by reading."""
    readings = []

    def page_data(path, *, clips, progress):
        assert not clips
        lines = (path / "metrics.csv").read_text().count("\n")
        readings.append(lines)
        return {"networks": [], "waiting": "", "status": f"{lines} lines"}

    monkeypatch.setattr(watch, "page_data", page_data)
    return readings


def until(condition, seconds=300.0):
    """Wait until a condition holds; its value."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return value


def shows(watcher, **wanted):
    """Wait until a watcher's data holds these entries; they may be parts of them."""
    return until(
        lambda: (
            all(part in watcher.reading().data.get(name, "") for name, part in wanted.items())
            and watcher.reading()
        )
    )


def append_line(path, text):
    with open(path / "metrics.csv", "a") as file:
        file.write(text)


def test_it_reads_again_where_files_have_changed_and_only_then(path, stand_in):
    with Watcher(path) as watcher:
        first = shows(watcher, status="4 lines")
        until(lambda: time.sleep(0.2) or watcher.reading())
        assert watcher.reading() is first
        assert stand_in == [4]
        append_line(path, "5\n")
        second = shows(watcher, status="5 lines")
        assert second.tag != first.tag
        for name in ("champion.json", "front.json", "champions/000009.json"):
            count = len(stand_in)
            (path / name).write_text("{}")
            until(lambda count=count: watcher.reading() and len(stand_in) > count)


def test_it_reads_nothing_while_nobody_asks(path, stand_in, monkeypatch):
    monkeypatch.setattr(watch, "_WATCHED_SECONDS", 0.2)
    with Watcher(path) as watcher:
        shows(watcher, status="4 lines")
        time.sleep(0.3)
        append_line(path, "5\n")
        time.sleep(0.2)
        assert stand_in == [4]
        shows(watcher, status="5 lines")


def test_after_a_long_reading_it_rests(path, stand_in, monkeypatch):
    monkeypatch.setattr(watch, "_REST", 4.0)
    with Watcher(path) as watcher:
        waits = []
        stop = watcher._stop

        class Stop:
            def wait(self, seconds):
                waits.append(seconds)
                return stop.wait(0.01)

            def set(self):
                stop.set()

        watcher._stop = Stop()
        look = watcher._look
        monkeypatch.setattr(watcher, "_look", lambda: (look(), time.sleep(0.1)))
        until(lambda: len(waits) > 4)
    assert max(waits) >= 0.4


@pytest.mark.parametrize("name", ["metrics.csv", "champion.json", "config.toml"])
def test_a_file_that_cannot_be_read_keeps_what_was_read_and_is_told_in_one_line(path, name):
    notes = []
    with Watcher(path, notes.append) as watcher:
        whole = shows(watcher, status="generation 3 of 3").data
        assert whole["networks"]
        text = (path / name).read_text()
        (path / name).write_text(text[:20])
        trouble = shows(watcher, status="trying again").data
        assert trouble["networks"] == whole["networks"]
        assert len(notes) == 1
        assert name in notes[0]
        assert "\n" not in notes[0]
        (path / name).write_text(text)
        until(lambda: "trying" not in watcher.reading().data["status"])


def test_a_half_written_line_is_left_out(path):
    whole = (path / "metrics.csv").read_text()
    notes = []
    with Watcher(path, notes.append) as watcher:
        shows(watcher, status="generation 3 of 3")
        last = whole.splitlines()[-1]
        append_line(path, f"4{last[1:20]}")
        time.sleep(0.5)
        assert watcher.reading().data["status"].startswith("generation 3 of 3 · updated")
        append_line(path, f"{last[20:]}\n")
        shows(watcher, status="generation 4 of 3")
    assert notes == []


def test_files_that_vanish_while_it_looks_do_no_harm(path, monkeypatch):
    (path / "champions" / "000099.json").symlink_to("gone.json")
    assert "000099.json" not in {name for name, _, _ in fingerprint(path)}
    with Watcher(path) as watcher:
        shows(watcher, status="generation 3 of 3")
        shutil.rmtree(path)
        assert fingerprint(path) == ()
        assert shows(watcher, status="trying again").data["networks"]


def test_a_folder_in_which_no_search_has_begun_is_waited_for(ended, tmp_path):
    path = tmp_path / "run"
    path.mkdir()
    with Watcher(path) as watcher:
        assert shows(watcher, waiting=f"No search has begun in {path} yet").data["networks"] == []
        for file in ("metrics.csv", "config.toml"):
            shutil.copy(ended / file, path / file)
        assert shows(watcher, waiting="No champion is confirmed yet").data["networks"] == []
        shutil.copy(ended / "champion.json", path / "champion.json")
        until(lambda: watcher.reading().data["networks"])


def test_what_is_no_run_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^run folder .*nowhere does not exist: 'wann search' makes it"):
        Watcher(tmp_path / "nowhere")
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ValueError, match=r"is not a run folder: it holds no config\.toml, but 'notes\.txt'$"):
        Watcher(tmp_path)
    with pytest.raises(ValueError, match="does not exist"):
        Watcher(tmp_path / "notes.txt")


@contextmanager
def served(path):
    with Watcher(path) as watcher, serving(watch_routes(watcher)) as address:
        yield watcher, address


def test_the_data_are_sent_once_and_then_only_when_they_have_changed(path, stand_in):
    with served(path) as (watcher, address), httpx.Client() as client:
        assert client.get(httpx.URL(address).join("/data.json")).status_code == 403
        client.get(address)
        shows(watcher, status="4 lines")
        data = httpx.URL(address).join("/data.json")
        whole = client.get(data)
        assert json.loads(whole.text)["status"] == "4 lines"
        assert whole.headers["cache-control"] == "private, no-cache"
        for tags in (whole.headers["etag"], f'"other", {whole.headers["etag"]}'):
            same = client.get(data, headers={"If-None-Match": tags})
            assert (same.status_code, same.content) == (304, b"")
        append_line(path, "5\n")
        shows(watcher, status="5 lines")
        changed = client.get(data, headers={"If-None-Match": whole.headers["etag"]})
        assert (changed.status_code, json.loads(changed.text)["status"]) == (200, "5 lines")
        assert client.get(data, headers={"Origin": "http://evil.example"}).status_code == 403
        assert client.get(data, headers={"Host": "evil.example"}).status_code == 403


@pytest.mark.slow
def test_the_page_answers_while_a_long_reading_is_at_work(path, monkeypatch):
    go_on = threading.Event()

    def slow(*_arguments, **_options):
        go_on.wait(300)
        return {"networks": [], "waiting": "", "status": "read"}

    monkeypatch.setattr(watch, "page_data", slow)
    with served(path) as (watcher, address), httpx.Client(timeout=120) as client:
        assert "Reading the run." in client.get(address).text
        assert client.get(httpx.URL(address).join("/data.json")).json()["waiting"] == "Reading the run."
        go_on.set()
        shows(watcher, status="read")


def test_leaving_ends_a_long_reading_at_its_next_part(path, monkeypatch):
    begun, parts = threading.Event(), []

    def endless(_path, *, clips, progress):
        begun.set()
        while True:
            parts.append(1)
            progress(0, 1)
            time.sleep(0.01)

    monkeypatch.setattr(watch, "page_data", endless)
    notes = []
    with Watcher(path, notes.append):
        assert begun.wait(300)
    count = len(parts)
    time.sleep(0.1)
    assert (len(parts), notes) == (count, [])


def test_the_page_follows_a_search_in_the_browser(chromium, tmp_path):
    path, gates = tmp_path / "run", [threading.Event() for _ in range(4)]

    def observe(progress):
        if progress.row and progress.share == 0.0:
            gates[progress.generation - 1].wait(60)

    options = {"generations": 4, "checkpoint_seconds": 0, "observer": observe, **TINY}
    search = threading.Thread(
        target=lambda: wann.run.search.search("swingup", out=path, **options), daemon=True
    )
    path.mkdir()
    said = []
    with served(path) as (_, address):
        context = chromium.new_context()
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address)
        page.wait_for_selector("#waiting:not([hidden])")
        search.start()

        def follows(generation):
            page.wait_for_function(
                "(begin) => document.getElementById('live').textContent.startsWith(begin)",
                arg=f"generation {generation} of 4",
                timeout=300_000,
            )

        follows(1)
        page.wait_for_selector("#champion:not([hidden])")
        page.evaluate(
            "const s = document.getElementById('weight'); s.value = -1.5; s.dispatchEvent(new Event('input'))"
        )
        for generation, gate in enumerate(gates, start=1):
            follows(generation)
            gate.set()
        search.join(60)
        assert page.input_value("#weight") == "-1.5"  # what the reader has chosen stays
        page.reload()
        follows(4)
        context.close()
    assert said == []
