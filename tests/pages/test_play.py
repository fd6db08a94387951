"""A champion that plays live: its pace, its controls, its films, and the page that shows it."""

import io
import json
import math
import os
import re
import signal
import time
import webbrowser
from contextlib import ExitStack, contextmanager

import httpx
import imageio_ffmpeg
import numpy as np
import pytest
from conftest import evolved
from PIL import Image
from players import Numbered, champion_of
from pydantic import ValidationError
from websockets.sync.client import connect

import wann.cli.options
import wann.pages.player
from wann.champion import Champion, Scores
from wann.pages import recorder
from wann.pages.play import play_routes
from wann.pages.player import Player, Wish
from wann.pages.server import serving
from wann.tasks.registry import get_task


def until(condition, seconds=300.0):
    """Wait until a condition holds; its value."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)
    return value


class Viewer:
    """Watches a player; keeps the facts of all shots."""

    def __init__(self, player):
        self.player, self.seen = player, []

    def tell(self):
        self.seen.append(dict(self.player.shot.facts))

    def until(self, condition):
        """Facts of the first shot from now on for which a condition holds."""
        return until(lambda: next((facts for facts in [self.player.shot.facts] if condition(facts)), None))

    def ask(self, **wish):
        self.player.ask(Wish(**wish))


@contextmanager
def played(champion, **options):
    with Player(champion, **options) as player:
        viewer = Viewer(player)
        with player.viewed(viewer.tell):
            yield viewer


def rollout(champion, weight, seed):
    """Return and steps of an episode, stepped by hand."""
    env = champion.get_task().make_env()
    observation, _ = env.reset(seed=seed)
    total, steps, over = 0.0, 0, False
    while not over:
        observation, reward, terminated, truncated, _ = env.step(champion.act(observation, weight))
        total, steps, over = total + reward, steps + 1, terminated or truncated
    env.close()
    return total, steps


# the player


def test_it_plays_the_environment_at_the_weight_and_the_seed_that_are_asked_for():
    champion = champion_of("toys/Numbered-v0", tuned=True)
    with played(champion) as viewer:
        first = viewer.until(lambda facts: facts["episodes"])["episodes"][0]
        assert (first["seed"], first["weight"]) == (0, 0.75)  # the best one
        viewer.ask(weight="tuned", seed=7)
        second = viewer.until(lambda facts: facts["episodes"][0]["seed"] == 7)["episodes"][0]
        assert second["weight"] == "tuned"
    for episode in (first, second):
        total, steps = rollout(champion, episode["weight"], episode["seed"])
        assert episode["steps"] == steps == Numbered.length
        assert episode["total"] == pytest.approx(total, abs=1e-9)
    assert first["total"] != second["total"]
    assert Numbered.open == 0


def test_nothing_is_played_while_nobody_watches():
    with Player(champion_of("toys/Numbered-v0")) as player:
        assert player.shot.number == 1
        assert player.shot.facts["step"] == 0
        with player.viewed(lambda: None):
            until(lambda: player.shot.facts["step"] > 3)
        time.sleep(0.05)  # the step at hand
        number = player.shot.number
        time.sleep(0.2)
        assert player.shot.number == number


def test_pause_stops_and_goes_on_and_reset_begins_again():
    with played(champion_of("toys/Numbered-v0")) as viewer:
        viewer.until(lambda facts: facts["step"] > 2)
        viewer.ask(paused=True)
        stopped = viewer.until(lambda facts: facts["paused"])
        assert stopped["step"] > 2
        time.sleep(0.2)
        assert viewer.player.shot.facts["step"] == stopped["step"]
        viewer.ask(reset=True)
        again = viewer.until(lambda facts: facts["step"] == 0)
        assert (again["paused"], again["total"], again["seed"]) == (True, 0.0, 0)
        viewer.ask(paused=False)
        viewer.until(lambda facts: facts["step"] > 0)


def test_the_next_episode_takes_the_same_seed_or_the_next(monkeypatch):
    monkeypatch.setattr(wann.pages.player, "_HELD_SECONDS", 0.02)
    with played(champion_of("toys/Numbered-v0")) as viewer:
        viewer.until(lambda facts: len(facts["episodes"]) == 2)
        viewer.ask(next_seed=True)
        found = viewer.until(lambda facts: len(facts["episodes"]) == 5)["episodes"]
    assert [episode["seed"] for episode in found] in ([3, 2, 1, 0, 0], [2, 1, 0, 0, 0])


def test_a_weight_that_changes_within_an_episode_changes_the_actions_and_is_told(monkeypatch):
    monkeypatch.setattr(Numbered, "length", 100)
    acted = []
    champion = champion_of("toys/Numbered-v0")
    act = champion.act
    object.__setattr__(
        champion, "act", lambda observation, weight: acted.append(weight) or act(observation, weight)
    )
    with played(champion) as viewer:
        viewer.until(lambda facts: facts["step"] > 2)
        viewer.ask(weight=-1.25, speed=4.0)
        viewer.until(lambda facts: facts["weight"] == -1.25)
        episode = viewer.until(lambda facts: facts["episodes"])["episodes"][0]
    assert episode["weight"] is None
    assert set(acted) == {0.75, -1.25}


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_the_pace_is_the_environment_s_times_the_speed(monkeypatch, speed):
    clock = [100.0]
    monkeypatch.setattr(wann.pages.player.time, "perf_counter", lambda: clock[0])
    player = Player(champion_of("toys/Toy-v0"))
    player._begin(0)
    player._speed = speed
    dues = []
    for _ in range(4):
        player._step()
        dues.append(player._due)
    assert dues == pytest.approx([100.0 + n / (10 * speed) for n in range(1, 5)])
    clock[0] = 200.0  # after a long delay it does not hurry to catch up
    player._step()
    assert player._due == pytest.approx(200.0 - 0.25 + 1 / (10 * speed))
    player._close()
    player._studio.close()


def test_a_failing_environment_is_told_in_one_line_and_reset_makes_a_new_one():
    notes = []
    with played(champion_of("toys/Toy-v0", trouble="raise", width=9.0), note=notes.append) as viewer:
        failed = viewer.until(lambda facts: facts["failure"])
        assert failed["failure"].startswith("ArithmeticError: the motor broke at ")
        assert notes == [f"toys/Toy-v0: {failed['failure']}"]
        viewer.ask(weight=1.0)  # which does not mend it
        assert viewer.until(lambda facts: facts["weight"] == 1.0)["failure"]
        viewer.ask(reset=True, paused=True)
        assert viewer.until(lambda facts: facts["failure"] is None)["step"] == 0
        viewer.ask(paused=False)
        until(lambda: len(notes) == 2)


def test_a_return_that_is_not_finite_is_none():
    with played(champion_of("toys/Toy-v0", trouble="nan", width=9.0)) as viewer:
        viewer.until(lambda facts: facts["total"] is None)
        line, _, picture = viewer.player.shot.message().partition(b"\n")
        assert json.loads(line, parse_constant=pytest.fail)["total"] is None
        assert Image.open(io.BytesIO(picture)).size == (60, 40)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("toys/Silent-v0", ValueError, r"^toys/Silent-v0 draws no pictures \(its render modes: human\), so"),
        (
            "toys/Blank-v0",
            RuntimeError,
            r"^toys/Blank-v0 cannot be drawn: its render\(\) gave no picture, but",
        ),
    ],
)
def test_an_environment_without_pictures_is_refused_in_one_line(name, kind, message):
    with pytest.raises(kind, match=message) as caught, Player(champion_of(name)):
        pass
    assert "\n" not in str(caught.value)


def test_a_data_set_is_refused_with_what_to_use_instead():
    genome = evolved(seed=3, mutations=2, inputs=64, outputs=10)
    scores = Scores(np.array([1.0]), np.zeros(1), np.zeros(1), (1,))
    champion = Champion("digits", ("x",) * 64, ("0",) * 10, genome, scores)
    with pytest.raises(
        ValueError, match=r"^digits is a data set, .* 'wann evaluate' scores .* 'wann report' shows"
    ):
        Player(champion)


@pytest.mark.parametrize(
    "text",
    [
        *("{}", "[]", "no JSON", '{"weight": "best"}', '{"weight": NaN}', '{"weight": 1e9}', '{"seed": -1}'),
        *(
            '{"seed": 1.5}',
            '{"speed": 0}',
            '{"speed": 99}',
            '{"film": "avi"}',
            '{"paused": 1}',
            '{"other": 1}',
        ),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(text):
    with pytest.raises(ValidationError):
        Wish.model_validate_json(text)


def test_tuned_weights_that_are_not_there_are_refused():
    player = Player(champion_of("toys/Toy-v0"))
    with player, pytest.raises(ValueError, match="the champion has no tuned weights"):
        player.ask(Wish(weight="tuned"))


# films


def frames_of(path):
    return imageio_ffmpeg.count_frames_and_secs(str(path))[0]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "pace"), [("mp4", 50), ("gif", 25)])
@pytest.mark.parametrize("speed", [1.0, 4.0])
def test_a_film_lasts_as_long_as_what_was_shown(monkeypatch, kind, pace, speed):
    monkeypatch.setattr(wann.pages.player, "_HELD_SECONDS", 0.2)
    player = Player(champion_of("toys/Numbered-v0"))
    player._begin(0)
    player._speed = speed
    player._direct(kind)
    while not player._over():
        player._step()
    player._direct("end")
    film = player.film(1)
    shown = (Numbered.length - 1) / (200 * speed) + 0.2
    assert film.name == f"toys-Numbered-v0-1.{kind}"
    assert frames_of(film) == 1 + math.floor(shown * pace + 1e-9)
    assert player._facts()["film"] == {"number": 1, "name": film.name, "bytes": film.stat().st_size}
    player._direct(kind)
    player._direct("end")
    assert (player.film(1), film.exists(), frames_of(player.film(2))) == (None, False, 1)
    folder = film.parent
    player._close()
    player._studio.close()
    assert not folder.exists()


def test_a_film_that_cannot_be_written_is_told_and_the_playing_goes_on(monkeypatch):
    @contextmanager
    def broken(path, pace):
        raise OSError(28, "No space left on device")
        yield

    monkeypatch.setattr(recorder, "making", broken)
    notes = []
    with played(champion_of("toys/Numbered-v0"), note=notes.append) as viewer:
        viewer.ask(film="mp4")
        facts = viewer.until(lambda facts: facts["film_failure"])
        assert (facts["recording"], facts["film"], facts["failure"]) == (None, None, None)
        viewer.until(lambda later: later["step"] != facts["step"])
    assert len(notes) == 1
    assert notes[0].startswith("the film could not be written: ")


def test_a_forgotten_recording_ends_by_itself(monkeypatch):
    monkeypatch.setattr(recorder, "_LONGEST_SECONDS", 0.1)
    with played(champion_of("toys/Numbered-v0")) as viewer:
        viewer.ask(film="mp4")
        film = viewer.until(lambda facts: facts["film"])["film"]
        assert 5 < frames_of(viewer.player.film(film["number"])) < 20


# over the websocket


@contextmanager
def live(player):
    """The websocket of a served player, and the address of the page with its cookie."""
    with ExitStack() as stack:
        address = httpx.URL(stack.enter_context(serving(play_routes(player))))
        client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{address.port}"))
        assert client.get(address).status_code == 200
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        socket = stack.enter_context(
            connect(
                f"ws://127.0.0.1:{address.port}/live",
                additional_headers={"Cookie": cookie},
                origin=f"http://127.0.0.1:{address.port}",
                proxy=None,
            )
        )
        yield socket, client


def received(socket):
    line, _, picture = socket.recv(timeout=300).partition(b"\n")
    return json.loads(line), Image.open(io.BytesIO(picture))


def test_a_slow_viewer_skips_pictures_and_gets_the_newest():
    with Player(champion_of("toys/Numbered-v0")) as player, live(player) as (socket, _):
        got = [received(socket)[0]["number"] for _ in range(2)]
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.3)
        newest = until(lambda: player.shot.number > got[-1] + 3 and player.shot.number)
        socket.send(json.dumps({"seen": got[0]}))
        facts, picture = received(socket)
        assert facts["number"] >= newest
        assert picture.size == (60, 40)
        assert abs(picture.getpixel((30, 20))[0] - 6 * facts["step"]) <= 2


def test_what_makes_no_sense_is_answered_and_the_connection_stays():
    with Player(champion_of("toys/Toy-v0")) as player, live(player) as (socket, client):
        number = received(socket)[0]["number"]
        for text, words in (
            ('{"speed": "fast"}', "speed"),
            ("no", "JSON"),
            ('{"weight": "tuned"}', "no tuned"),
        ):
            socket.send(text)
            while isinstance(answer := socket.recv(timeout=300), bytes):
                pass
            assert words in json.loads(answer)["refused"]
        socket.send(json.dumps({"paused": True, "weight": -0.5}))
        until(lambda: player.shot.facts["paused"])
        assert player.shot.facts["weight"] == -0.5
        assert number >= 1
        assert client.get("/film/1").status_code == 404


# the command


def test_without_a_screen_no_browser_takes_over_the_terminal(tmp_path, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(wann.cli.options.sys, "platform", "linux")
    monkeypatch.setattr(webbrowser, "open", lambda address: pytest.fail(f"opened {address}"))
    monkeypatch.setattr(
        wann.cli.options, "echo", lambda text: text == "Ended." or os.kill(os.getpid(), signal.SIGINT)
    )
    wann.cli.options.until_interrupted("Playing", "http://127.0.0.1:1/", no_browser=False)


# in a browser


@pytest.fixture(scope="module")
def shown(chromium, tmp_path_factory):
    """The page of a swing-up champion with tuned weights, and what its console said."""
    said = []
    with Player(champion_of("swingup", tuned=True)) as player, serving(play_routes(player)) as address:
        context = chromium.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address)
        page.wait_for_function("() => document.documentElement.dataset.state === 'live'")
        yield page, said
        context.close()
    assert said == []


@pytest.fixture
def page(shown):
    """That page, playing from the start at the best weight, nothing in focus."""
    page, _ = shown
    page.set_viewport_size({"width": 1280, "height": 800})
    page.evaluate("document.activeElement.blur()")
    if page.inner_text("#pause") == "Pause":
        page.click("#pause")
    wait(page, "text('pause') === 'Play'")
    page.click("#best")
    page.click("#reset")
    # Seen at rest: while it plays, a step of the last episode could be taken for one of the new.
    wait(page, "text('shown-weight') === '0.75' && text('step') === '0'")
    page.click("#pause")
    page.evaluate("document.activeElement.blur()")
    wait(page, "text('pause') === 'Pause' && number('step') > 0")
    return page


def wait(page, condition):
    words = "const text = (id) => document.getElementById(id).textContent, number = (id) => Number(text(id));"
    page.wait_for_function(f"() => {{ {words} return {condition}; }}", timeout=300_000)


PIXELS = "(() => { const c = document.getElementById('picture'); return c.toDataURL(); })()"


def test_the_address_is_cleaned_and_a_reload_works_but_no_second_browser(chromium):
    with Player(champion_of("toys/Toy-v0")) as player, serving(play_routes(player)) as address:
        first, second = chromium.new_context(), chromium.new_context()
        page = first.new_page()
        page.goto(address)
        page.wait_for_function("() => document.documentElement.dataset.state === 'live'")
        assert "token" not in page.url
        page.reload()
        page.wait_for_function("() => document.documentElement.dataset.state === 'live'")
        other = second.new_page()
        assert other.goto(address).status == 403
        assert "works once" in other.inner_text("body")
        first.close()
        second.close()


def test_another_site_gets_neither_the_page_nor_the_websocket(chromium):
    with ExitStack() as stack:
        player = stack.enter_context(Player(champion_of("toys/Toy-v0")))
        address = httpx.URL(stack.enter_context(serving(play_routes(player))))
        own = f"127.0.0.1:{address.port}"
        context = chromium.new_context()
        page = context.new_page()
        page.goto(str(address))
        # Another page of this very browser, which has the cookie.
        context.route(
            "http://evil.example/", lambda route: route.fulfill(body="<p>evil", content_type="text/html")
        )
        evil = context.new_page()
        evil.goto("http://evil.example/")
        opened = evil.evaluate(
            f"""() => new Promise((done) => {{
                const socket = new WebSocket("ws://{own}/live");
                socket.onopen = () => done("open");
                socket.onerror = () => done("refused");
            }})"""
        )
        fetched = evil.evaluate(
            f"""() => fetch("http://{own}/", {{credentials: "include"}})
                .then(() => "read", () => "refused")"""
        )
        assert (opened, fetched) == ("refused", "refused")
        context.close()


def test_it_shows_the_pictures_of_the_environment_as_they_come(page):
    size = page.evaluate(
        "[document.getElementById('picture').width, document.getElementById('picture').height]"
    )
    env = get_task("swingup").make_env("rgb_array")
    env.reset(seed=0)
    assert size == list(env.render().shape[1::-1])
    env.close()
    before, step = page.evaluate(PIXELS), int(page.inner_text("#step"))
    wait(page, f"number('step') > {step + 20}")
    assert page.evaluate(PIXELS) != before


def test_the_slider_the_best_and_the_tuned_weights_change_the_weight(page):
    page.evaluate(
        "const s = document.getElementById('weight'); s.value = -1.5; s.dispatchEvent(new Event('input'));"
    )
    wait(page, "text('shown-weight') === '−1.50' && text('weight-value') === '−1.50'")
    page.click("#tuned")
    wait(page, "text('shown-weight') === 'tuned'")
    assert page.get_attribute("#tuned", "aria-pressed") == "true"
    page.click("#tuned")
    wait(page, "text('shown-weight') === '−1.50'")
    page.click("#best")
    wait(page, "text('shown-weight') === '0.75'")


def test_pause_and_reset_and_seed(page):
    page.click("#pause")
    wait(page, "text('pause') === 'Play'")
    step = page.inner_text("#step")
    page.wait_for_timeout(200)
    assert page.inner_text("#step") == step != "0"
    page.click("#reset")
    wait(page, "text('step') === '0'")
    start = page.evaluate(PIXELS)
    page.fill("#seed", "12")
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => {PIXELS} !== {json.dumps(start)}")
    page.fill("#seed", "-3")  # is not asked for
    page.keyboard.press("Enter")
    page.evaluate("document.activeElement.blur()")
    page.fill("#seed", "0")
    page.keyboard.press("Enter")
    page.wait_for_function(f"() => {PIXELS} === {json.dumps(start)}")


def test_the_keyboard_alone_does_everything(page):
    page.keyboard.press("Space")
    wait(page, "text('pause') === 'Play'")
    page.keyboard.press("ArrowRight")
    wait(page, "text('shown-weight') === '0.76'")
    page.keyboard.press("ArrowLeft")
    wait(page, "text('shown-weight') === '0.75'")
    page.keyboard.press("r")
    wait(page, "text('step') === '0'")
    page.keyboard.press("Space")  # with the slider in focus
    wait(page, "text('pause') === 'Pause' && number('step') > 2")
    # Every control can be reached, in the order in which one reads.
    page.focus("#weight")
    reached = ["weight"]
    for _ in range(10):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    wanted = ["weight", "best", "tuned", "pause", "reset", "speed", "seed", "next-seed", "record", "kind"]
    assert [name for name in reached if name in wanted] == wanted


def test_a_recording_is_downloaded_as_a_film(page, tmp_path):
    page.select_option("#kind", "gif")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("f")
    wait(page, "document.getElementById('badge').textContent.startsWith('recording 0.')")
    page.wait_for_timeout(400)
    with page.expect_download() as download:
        page.keyboard.press("f")
    assert re.fullmatch(r"swingup-\d+\.gif", download.value.suggested_filename)
    download.value.save_as(tmp_path / "film.gif")
    assert frames_of(tmp_path / "film.gif") >= 4
    assert page.is_visible("#film")


def test_a_phone_has_room_for_it_and_the_dark_is_dark(page):
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.getElementById('weight').getBoundingClientRect().width") > 300
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="light")
    brightness = [sum(map(int, re.findall(r"\d+", color)[:3])) for color in (light, dark)]
    assert brightness[0] > 600 > 150 > brightness[1]


def test_a_failure_and_a_lost_connection_are_told_on_the_page(chromium):
    context = chromium.new_context()
    page = context.new_page()
    with Player(champion_of("toys/Toy-v0", trouble="raise", width=9.0)) as player:
        with serving(play_routes(player)) as address:
            page.goto(address)
            page.wait_for_selector("#message:not([hidden])")
            assert page.inner_text("#message").startswith(
                "The environment failed: ArithmeticError: the motor broke"
            )
            assert page.is_disabled("#pause")
        page.wait_for_selector("#message button")
        assert "no longer running" in page.inner_text("#message")
    context.close()
