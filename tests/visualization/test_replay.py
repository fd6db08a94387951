"""Films and windows of one episode."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import replace
from fractions import Fraction

import gymnasium
import imageio.v3 as iio
import imageio_ffmpeg
import numpy as np
import pygame
import pytest
from conftest import evolved

from wann.champion import Champion, Scores
from wann.networks.network import batch_networks
from wann.rollouts.job import Job
from wann.tasks.registry import get_task
from wann.visualization import film, replay
from wann.visualization.replay import Scene, record_episode, record_episodes, show_episode, show_episodes

TASK = get_task("swingup")
WEIGHT = 0.7


@pytest.fixture(scope="module")
def champion():
    genome = evolved(seed=3, mutations=10)
    scores = Scores(np.array([WEIGHT]), np.zeros(1), np.zeros(1), (1, 2))
    tuned = np.linspace(-1.0, 1.0, genome.connection_count)
    return Champion(TASK.name, TASK.inputs, TASK.outputs, genome, scores, tuned)


class StandIn:
    """Acts as a champion of the swing-up task; `act` is given."""

    def __init__(self, act):
        self.act = act

    def get_task(self):
        return TASK


def push_right(observation, weight):
    return np.ones(1)


def read_film(path):
    """Frames of a film, as ffmpeg decodes them, and what it says about it."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", path]
    told = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True)
    about = next(line for line in told.stderr.decode().splitlines() if "Video:" in line)
    width, height = (int(size) for size in re.search(r", (\d+)x(\d+)", about).groups())
    return np.frombuffer(told.stdout, np.uint8).reshape(-1, height, width, 3), about


@pytest.mark.slow
@pytest.mark.parametrize(("name", "skip", "pace"), [("film.gif", 4, 25), ("f.mp4", 2, 50), ("f.MP4", 2, 50)])
def test_a_film_runs_in_real_time_and_holds_the_first_and_the_last_state(
    champion, tmp_path, name, skip, pace
):
    steps = 41
    path = tmp_path / name
    episode = record_episode(champion, WEIGHT, 7, path, max_steps=steps)
    assert os.listdir(tmp_path) == [name]
    assert (episode.steps, episode.terminated, episode.truncated) == (steps, False, True)
    frames, about = read_film(path)
    assert len(frames) == episode.frames == 1 + -(-steps // skip)
    assert f", {pace} fps," in about
    env = TASK.make_env("rgb_array")
    observation, _ = env.reset(seed=7)
    pictures = [env.render()]
    for _ in range(steps):
        observation, *_ = env.step(champion.act(observation, WEIGHT))
        pictures.append(env.render())
    for frame, picture in ((frames[0], pictures[0]), (frames[1], pictures[skip]), (frames[-1], pictures[-1])):
        below = frame[-picture.shape[0] :].astype(int)
        # The palette and the halved colour resolution leave small errors at edges only.
        assert np.abs(below - picture).mean() < 1.5
    assert np.abs(frames[0].astype(int) - frames[-1]).max() > 100


def test_a_film_in_h264_has_what_every_player_wants(champion, tmp_path):
    path = tmp_path / "film.mp4"
    record_episode(champion, WEIGHT, 7, path, max_steps=3)
    _, about = read_film(path)
    assert "Video: h264" in about
    assert "yuv420p(tv, bt709, progressive), 640x394," in about
    head = path.read_bytes()
    assert head.index(b"moov") < head.index(b"mdat"), "a player needs the index before the pictures"


def test_pictures_of_odd_size_are_padded(tmp_path):
    path = tmp_path / "film.mp4"
    with film.making(path, Fraction(50)) as made:
        for _ in range(3):
            made.add(np.full((31, 45, 3), 200, np.uint8))
    frames, _ = read_film(path)
    assert frames.shape == (3, 32, 46, 3)


def test_a_gif_repeats_and_its_frames_last_whole_hundredths_of_a_second(champion, tmp_path):
    path = tmp_path / "film.gif"
    episode = record_episode(champion, WEIGHT, 7, path, max_steps=20, frame_skip=5)
    assert episode.frames == 5
    assert iio.improps(path, index=None).shape[0] == 5
    assert [iio.immeta(path, index=index)["duration"] for index in range(5)] == [50] * 5
    assert iio.immeta(path)["loop"] == 0


def test_equal_frames_are_all_kept(tmp_path, monkeypatch):
    picture = np.full((360, 640, 3), 100, np.uint8)
    monkeypatch.setattr(replay, "captioned", lambda *args: picture)
    episode = record_episode(StandIn(push_right), WEIGHT, 7, tmp_path / "film.gif", max_steps=12)
    assert episode.frames == 4


def test_the_return_is_that_of_the_compiled_rollout(champion, tmp_path):
    rollouts = TASK.roll_out(Job(batch_networks([champion.network]), np.array([WEIGHT]), [7], 150, 0, 1))
    episode = record_episode(champion, WEIGHT, 7, tmp_path / "film.mp4", max_steps=150, frame_skip=50)
    assert episode.total == pytest.approx(rollouts.returns[0, 0, 0], rel=0, abs=1e-9)
    assert episode.steps == rollouts.steps[0, 0, 0]


def test_tuned_weights_can_be_filmed(champion, tmp_path):
    films = [
        record_episode(champion, weight, 7, tmp_path / "film.mp4", max_steps=40, frame_skip=20)
        for weight in (WEIGHT, "tuned")
    ]
    assert films[0].total != films[1].total


def test_the_caption_changes_with_weight_time_and_return():
    picture = np.zeros((10, 640, 3), np.uint8)
    one = replay.Episode(1.0, 10, False, False)
    captions = [
        replay.captioned(picture, weight, now, 100)
        for weight, now in (
            (1.0, one),
            (-1.0, one),
            ("tuned", one),
            (1.0, replace(one, steps=11)),
            (1.0, replace(one, total=1.1)),
        )
    ]
    assert len({caption.tobytes() for caption in captions}) == len(captions)
    assert all(np.array_equal(caption[-10:], picture) for caption in captions)


def test_an_episode_that_ends_early_is_filmed_to_its_end(tmp_path):
    calls = []
    episode = record_episode(
        StandIn(push_right),
        WEIGHT,
        7,
        tmp_path / "film.mp4",
        frame_skip=10,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert (episode.terminated, episode.truncated) == (True, False)
    assert 50 < episode.steps < 200
    assert episode.frames == 1 + -(-episode.steps // 10)
    steps = episode.steps
    assert calls == [(done, 1000) for done in range(1, steps)] + [(steps, steps)]


@pytest.mark.parametrize("name", ["film.avi", "film.gif.txt", ".gif", ".hidden"])
def test_an_unknown_suffix_is_refused_with_what_is_possible(champion, tmp_path, name):
    with pytest.raises(
        ValueError,
        match=r"path must end in \.mp4 or \.gif, or in no suffix for a folder of PNG files, got '.*",
    ):
        record_episode(champion, WEIGHT, 7, tmp_path / name)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_steps": 0}, "max_steps must be at least 1, got 0$"),
        ({"max_steps": -1}, "max_steps must be at least 1, got -1$"),
        ({"frame_skip": 0}, "frame_skip must be at least 1, got 0$"),
        ({"frame_skip": 1}, "frame_skip must make .* at least 2, got 1 steps of 1/100 s$"),
    ],
)
def test_arguments_out_of_range_are_refused(champion, tmp_path, arguments, message):
    with pytest.raises(ValueError, match=message):
        record_episode(champion, WEIGHT, 7, tmp_path / "film.gif", **arguments)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("suffix", "rate", "skip"),
    [
        *((".mp4", 100, 2), (".mp4", 50, 1), (".mp4", 30, 1), (".mp4", 120, 3)),
        *((".gif", 100, 4), (".gif", 50, 2), (".gif", 30, 3), (".gif", 60, 3), (".gif", 15, 3)),
    ],
)
def test_the_pace_is_real_time_for_tasks_of_any_rate(suffix, rate, skip):
    assert film.steps_per_frame(film.FORMATS[suffix], rate, None) == skip


def fail_after(calls, error):
    left = iter(range(calls))

    def act(observation, weight):
        if next(left, None) is None:
            raise error
        return np.zeros(1)

    return act


@pytest.mark.parametrize("name", ["film.gif", "film.mp4"])
@pytest.mark.parametrize(("calls", "error"), [(0, ValueError("no weights")), (9, KeyboardInterrupt())])
def test_after_a_failure_everything_is_as_it_was(tmp_path, name, calls, error):
    path = tmp_path / name
    path.write_bytes(b"old")
    with pytest.raises(type(error)):
        record_episode(StandIn(fail_after(calls, error)), WEIGHT, 7, path, max_steps=30)
    assert os.listdir(tmp_path) == [name]
    assert path.read_bytes() == b"old"


def test_a_film_with_missing_frames_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(imageio_ffmpeg, "count_frames_and_secs", lambda path: (3, 0.1))
    with pytest.raises(OSError, match=r"cannot write .*film\.mp4: it holds 3 frames instead of 6$"):
        record_episode(StandIn(push_right), WEIGHT, 7, tmp_path / "film.mp4", max_steps=10)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-frames:v", "2"), "it holds 2 frames instead of 41$|encoder stopped after"),
        (("-crf", "much"), "the video encoder stopped after [0-9]+ frames: .*Invalid argument$"),
    ],
    ids=["frames", "option"],
)
def test_a_film_cut_short_by_the_encoder_is_refused(tmp_path, monkeypatch, options, message):
    form = film.FORMATS[".mp4"]
    monkeypatch.setitem(film.FORMATS, ".mp4", replace(form, options=(*form.options, *options)))
    balance = StandIn(lambda observation, weight: np.zeros(1))
    with pytest.raises(OSError, match=message) as caught:
        record_episode(balance, WEIGHT, 7, tmp_path / "film.mp4", max_steps=40, frame_skip=1)
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == []


def test_a_file_that_is_no_film_has_no_frames(tmp_path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"not a film")
    assert film.count_frames(path) == 0


def test_a_missing_folder_is_refused_before_the_episode(tmp_path):
    with pytest.raises(FileNotFoundError):
        record_episode(StandIn(fail_after(0, KeyError())), WEIGHT, 7, tmp_path / "missing" / "film.gif")


def test_a_relative_path_with_a_colon_is_no_address(tmp_path, monkeypatch):
    (tmp_path / "run:1").mkdir()
    monkeypatch.chdir(tmp_path)
    record_episode(StandIn(push_right), WEIGHT, 7, "run:1/film.gif", max_steps=4)
    assert os.listdir(tmp_path / "run:1") == ["film.gif"]


# Several weights, and the network


@pytest.mark.slow
def test_episodes_at_several_weights_stand_side_by_side(champion, tmp_path):
    weights = [-1.0, 0.5, "tuned"]
    path = tmp_path / "film.mp4"
    episodes = record_episodes(Scene(champion, weights, 7, 30), path)
    alone = [record_episode(champion, weight, 7, tmp_path / "one.mp4", max_steps=30) for weight in weights]
    assert [episode.total for episode in episodes] == [episode.total for episode in alone]
    frames, _ = read_film(path)
    assert len(frames) == episodes[0].frames == 16
    assert frames.shape[2] > 1500
    third = frames.shape[2] // 3
    panels = [frames[-1][:, k * third : (k + 1) * third].astype(int) for k in range(3)]
    assert np.abs(panels[0] - panels[1]).max() > 50


def test_an_episode_that_has_ended_stays_while_others_go_on(tmp_path):
    path = tmp_path / "film"

    def push(observation, weight):
        return np.full(1, weight)

    episodes = record_episodes(Scene(StandIn(push), [1.0, 0.0], 7, 300), path, frame_skip=50)
    assert episodes[0].terminated
    assert episodes[0].steps < 200
    assert episodes[1].steps == 300
    pictures = [iio.imread(name) for name in sorted(path.iterdir())]
    half = pictures[0].shape[1] // 2 - 20
    assert np.array_equal(pictures[-1][:, :half], pictures[-2][:, :half])
    assert len(pictures) == 7


@pytest.mark.slow
@pytest.mark.parametrize("weights", [[WEIGHT], [-1.0, "tuned"]])
def test_the_network_stands_beside_the_picture_lit_by_what_it_computes(champion, tmp_path, weights):
    plain, lit = (tmp_path / name for name in ("plain", "lit"))
    for path, network in ((plain, False), (lit, True)):
        record_episodes(Scene(champion, weights, 7, 4, network), path)
    without, shown = ([iio.imread(name) for name in sorted(path.iterdir())] for path in (plain, lit))
    assert len(without) == len(shown) == 3
    axis = 1 if len(weights) == 1 else 0
    assert shown[0].shape[axis] > 1.3 * without[0].shape[axis]
    room = without[0].shape[axis]
    network = [np.take(picture, range(room, picture.shape[axis]), axis) for picture in shown]
    assert np.abs(network[0].astype(int) - network[2]).max() > 20


def test_the_lit_network_is_that_of_the_observation_shown(champion, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        replay.LivingDiagram,
        "picture",
        lambda self, values, weight: seen.append(values) or np.zeros((20, 30, 3), np.uint8),
    )
    record_episodes(Scene(champion, [WEIGHT], 7, 3, network=True), tmp_path / "film", frame_skip=1)
    env = TASK.make_env(None)
    observation, _ = env.reset(seed=7)
    for values in seen:
        np.testing.assert_array_equal(values, champion.values(TASK.observe(observation), WEIGHT))
        observation, *_ = env.step(champion.act(observation, WEIGHT))
    assert len(seen) == 4


def test_other_tasks_have_their_network_shown_too(tmp_path):
    task = get_task("CartPole-v1")
    genome = evolved(1, 12, len(task.inputs), len(task.outputs))
    scores = Scores(np.array([1.0]), np.zeros(1), np.zeros(1), (1,))
    cart = Champion(task.name, task.inputs, task.outputs, genome, scores)
    (episode,) = record_episodes(Scene(cart, [1.0], 3, 10, network=True), tmp_path / "film.gif")
    assert episode.frames == film.count_frames(tmp_path / "film.gif") > 1


@pytest.mark.parametrize("weights", [[], [1.0] * 7])
def test_too_many_weights_or_none_are_refused(champion, tmp_path, weights):
    with pytest.raises(ValueError, match=f"weights must be 1 to 6 .*, got {len(weights)}$"):
        record_episodes(Scene(champion, weights, 7), tmp_path / "film.gif")
    assert os.listdir(tmp_path) == []


def test_a_folder_that_holds_something_is_not_filled(champion, tmp_path):
    (tmp_path / "film").mkdir()
    (tmp_path / "film/mine").write_text("x")
    with pytest.raises(ValueError, match=r"film exists and is not an empty folder: choose another$"):
        record_episode(champion, WEIGHT, 7, tmp_path / "film", max_steps=3)
    assert os.listdir(tmp_path / "film") == ["mine"]


def test_a_failure_leaves_no_folder(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        record_episode(
            StandIn(fail_after(3, KeyboardInterrupt())), WEIGHT, 7, tmp_path / "film", frame_skip=1
        )
    assert os.listdir(tmp_path) == []


def test_a_picture_that_cannot_be_read_is_not_counted(tmp_path):
    with film.making(tmp_path / "film", Fraction(10)) as made:
        for _ in range(3):
            made.add(np.zeros((4, 5, 3), np.uint8))
    assert film.count_frames(tmp_path / "film") == 3
    (tmp_path / "film/000001.png").write_bytes(b"no picture")
    assert film.count_frames(tmp_path / "film") == 2


@pytest.fixture
def unseen(monkeypatch):
    """Windows open on SDL's stand-in for a screen."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


def test_an_environment_that_cannot_draw_ends_in_one_line_and_no_film(champion, tmp_path, monkeypatch):
    def broken(_env):
        raise ImportError("no OpenGL\n  library")

    monkeypatch.setattr(gymnasium.make(TASK.env_id).unwrapped.__class__, "render", broken)
    with pytest.raises(RuntimeError, match="swingup cannot be drawn: no OpenGL library; 'wann doctor' tells"):
        record_episode(champion, WEIGHT, 7, tmp_path / "film.gif", max_steps=3)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("unseen")
def test_a_window_shows_an_episode_to_its_end(champion):
    episode = show_episode(champion, WEIGHT, 7, max_steps=12)
    assert (episode.steps, episode.truncated, episode.frames) == (12, True, 0)
    assert not pygame.display.get_init()


@pytest.mark.usefixtures("unseen")
@pytest.mark.parametrize(
    ("event", "steps"),
    [
        ({"type": pygame.QUIT}, 5),
        ({"type": pygame.KEYDOWN, "key": pygame.K_ESCAPE}, 5),
        ({"type": pygame.KEYDOWN, "key": pygame.K_q}, 5),
        ({"type": pygame.KEYDOWN, "key": pygame.K_a}, 12),
        ({"type": pygame.MOUSEMOTION}, 12),
    ],
    ids=["close", "escape", "q", "another key", "mouse"],
)
def test_the_user_can_end_it(event, steps):
    left = iter(range(4))

    def act(observation, weight):
        if next(left, None) is None:
            kind = dict(event)
            pygame.event.post(pygame.event.Event(kind.pop("type"), kind))
        return np.zeros(1)

    episode = show_episode(StandIn(act), WEIGHT, 7, max_steps=12)
    assert (episode.steps, episode.terminated, episode.truncated) == (steps, False, steps == 12)
    assert not pygame.display.get_init()


@pytest.mark.usefixtures("unseen")
def test_a_failure_closes_the_window():
    with pytest.raises(ZeroDivisionError):
        show_episode(StandIn(fail_after(2, ZeroDivisionError())), WEIGHT, 7)
    assert not pygame.display.get_init()


@pytest.mark.parametrize("system", ["linux", "darwin"])
def test_without_a_screen_a_file_is_proposed(champion, monkeypatch, system):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(replay.sys, "platform", system)
    monkeypatch.setattr(pygame.display, "init", lambda: None)
    monkeypatch.setattr(pygame.display, "get_driver", lambda: "offscreen")
    with pytest.raises(RuntimeError, match=r"^there is no screen .*; write a \.gif or \.mp4 file instead$"):
        show_episode(champion, WEIGHT, 7)


def test_a_screen_that_cannot_be_used_is_no_screen(champion, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "no-such-driver")
    with pytest.raises(RuntimeError, match="there is no screen"):
        show_episode(champion, WEIGHT, 7)


@pytest.mark.usefixtures("unseen")
def test_a_window_refuses_a_limit_below_one_step(champion):
    with pytest.raises(ValueError, match="max_steps must be at least 1, got 0"):
        show_episode(champion, WEIGHT, 7, max_steps=0)


@pytest.mark.usefixtures("unseen")
def test_a_window_shows_several_weights_with_their_networks(champion):
    episodes = show_episodes(Scene(champion, [-1.0, 1.0], 7, 8, network=True))
    assert [episode.steps for episode in episodes] == [8, 8]
    assert not pygame.display.get_init()


def test_a_window_with_networks_needs_a_screen_too(champion, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "no-such-driver")
    with pytest.raises(RuntimeError, match="there is no screen"):
        show_episodes(Scene(champion, [1.0], 7, network=True))
