"""The swing-up environment: Gymnasium's contract, the paper's physics, and its pictures."""

from __future__ import annotations

import math
import sys
import time

import gymnasium
import numpy as np
import pytest
import wann_envs
from conftest import ALL_CODES, evolved
from gymnasium.error import DependencyNotInstalled, ResetNeeded
from gymnasium.utils.env_checker import check_env
from wann_envs import SWINGUP_ID, rendering
from wann_envs.cartpole_swingup import DYNAMICS, CartPoleSwingUpEnv

from wann.kernels.activations import BY_NAME
from wann.networks.network import batch_networks, compile_genome, evaluate_network, evaluate_network_numpy
from wann.rollouts.compiled import advance
from wann.rollouts.job import Job
from wann.tasks.registry import get_task

TASK = get_task("swingup")
SMOOTH = tuple(code for code in ALL_CODES if code != BY_NAME["step"].code)
HANGING = [0.0, 0.0, math.pi, 0.0]


def paper_step(state, push):
    """One step in plain Python: the formulas of the paper, with positions moving by the old velocities."""
    x, v, theta, omega = state
    g, m, total, length, friction = 9.82, 0.5, 1.0, 0.6, 0.1
    force = 10.0 * min(1.0, max(-1.0, push))
    s, c = math.sin(theta), math.cos(theta)
    linear = -2 * m * length * omega**2 * s + 3 * m * g * s * c + 4 * force - 4 * friction * v
    angular = (-3 * m * length * omega**2 * s * c + 6 * total * g * s + 6 * (force - friction * v) * c) / (
        4 * length * total - 3 * m * length * c**2
    )
    linear /= 4 * total - 3 * m * c**2
    state = (x + 0.01 * v, v + 0.01 * linear, theta + 0.01 * omega, omega + 0.01 * angular)
    reward = (math.cos(state[2]) + 1) / 2 * math.cos(state[0] / 2.4 * math.pi / 2)
    return state, reward, abs(state[0]) > 2.4


def paper_observation(state):
    x, v, theta, omega = state
    return np.array([x, v, math.cos(theta), math.sin(theta), omega])


def random_states(count, *, rng):
    return rng.uniform((-2.4, -6.0, -7.0, -15.0), (2.4, 6.0, 7.0, 15.0), (count, 4))


@pytest.fixture
def env():
    env = CartPoleSwingUpEnv()
    env.reset(seed=0)
    return env


@pytest.fixture
def no_screen(monkeypatch):
    """No screen, and no way to open a window by mistake."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    for name in ("init", "set_mode"):
        monkeypatch.setattr(rendering.pygame.display, name, lambda *args: pytest.fail("opened a display"))


# Velocities have no bounds, so two warnings about infinite ones are in order; any other would fail.
@pytest.mark.filterwarnings("ignore:.*A Box observation space (minimum|maximum) value is -?infinity")
def test_gymnasiums_checker_has_no_complaint(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    check_env(gymnasium.make(SWINGUP_ID, render_mode="rgb_array").unwrapped)


def test_the_task_and_the_environment_agree_on_shapes_and_limit(env):
    assert env.observation_space.shape == (len(TASK.inputs),)
    assert env.action_space.shape == (len(TASK.outputs),)
    assert gymnasium.spec(SWINGUP_ID).max_episode_steps == TASK.episode_steps == 1000


def test_one_step_is_that_of_the_paper(env):
    rng = np.random.default_rng(1)
    pushes = rng.uniform(-1.5, 1.5, 500)
    for start, push in zip(random_states(500, rng=rng), pushes, strict=True):
        observation, _ = env.reset(options={"state": start})
        np.testing.assert_allclose(observation, paper_observation(start), rtol=0, atol=1e-12)
        observation, reward, terminated, truncated, info = env.step(np.array([push]))
        state, wanted_reward, wanted_end = paper_step(start, push)
        np.testing.assert_allclose(env.state, state, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(observation, paper_observation(state), rtol=1e-12, atol=1e-12)
        assert reward == pytest.approx(wanted_reward, rel=0, abs=1e-12)
        assert (terminated, truncated, info) == (wanted_end, False, {})


def test_energy_changes_by_the_work_of_force_and_friction(env):
    """An independent way to the physics: the energy of a cart with a uniform pole."""
    rng = np.random.default_rng(2)
    m, total, length, g, friction = 0.5, 1.0, 0.6, 9.82, 0.1
    for start in random_states(200, rng=rng):
        env.reset(options={"state": start})
        push = rng.uniform(-1.0, 1.0)
        env.step(np.array([push]))
        _, v, theta, omega = start
        a, alpha = (env.state[1] - v) / 0.01, (env.state[3] - omega) / 0.01
        s, c = math.sin(theta), math.cos(theta)
        # d/dt of M v²/2 + m l² ω²/6 - m l v ω c/2 + m g l c/2
        power = (
            total * v * a
            + m * length**2 / 3 * omega * alpha
            - m * length / 2 * (a * omega * c + v * alpha * c - v * omega**2 * s)
            - m * g * length / 2 * s * omega
        )
        assert power == pytest.approx((10.0 * push - friction * v) * v, abs=1e-8)


@pytest.mark.slow
def test_an_episode_is_the_compiled_rollout_bit_for_bit():
    networks = [compile_genome(evolved(seed, mutations=25)) for seed in range(6)]
    weights, seeds = np.array([-1.5, -0.3, 0.7, 2.0]), [11, 12]
    rollouts = TASK.roll_out(Job(batch_networks(networks), weights, seeds, 1000, 0, len(networks)))
    env = TASK.make_env()
    for p, network in enumerate(networks):
        for w, weight in enumerate(weights):
            for e, seed in enumerate(seeds):
                observation, _ = env.reset(seed=seed)
                total, steps, ended = 0.0, 0, False
                while not ended:
                    rows = evaluate_network(network, observation[None], np.array([weight]))
                    action = TASK.action(rows[0, network.outputs])
                    observation, reward, terminated, truncated, _ = env.step(action)
                    total, steps, ended = total + reward, steps + 1, terminated or truncated
                assert total == rollouts.returns[p, w, e]
                assert steps == rollouts.steps[p, w, e]
    assert len(np.unique(rollouts.steps)) > 3  # some leave the track, some do not


def test_every_state_of_an_episode_is_that_of_the_kernel_and_of_plain_numpy():
    rng = np.random.default_rng(4)
    env = TASK.make_env(max_steps=300)
    for seed in range(4):
        # Without the step function, which may turn a rounding error of 1e-16 into 1.
        network = compile_genome(evolved(seed, mutations=15, codes=SMOOTH))
        weight = rng.uniform(-2.0, 2.0, 1)
        observation, _ = env.reset(seed=5)
        state = free = env.unwrapped.state
        step, ended = 0, False
        while not ended:
            rows = evaluate_network_numpy(network, paper_observation(state)[None], weight)
            kernel_rows = evaluate_network(network, observation[None], weight)
            np.testing.assert_allclose(kernel_rows, rows, rtol=0, atol=1e-9)
            push = kernel_rows[0, network.outputs]
            by_paper, _, _ = paper_step(state, push[0])
            by_kernel, _, reward, end = advance(DYNAMICS, state, push, 5)
            observation, env_reward, terminated, truncated, _ = env.step(TASK.action(push))
            state = env.unwrapped.state
            assert state.tolist() == by_kernel.tolist()
            assert (env_reward, terminated) == (reward, end)
            np.testing.assert_allclose(state, by_paper, rtol=1e-12, atol=1e-12)
            # The pendulum is chaotic, so a second simulation on its own stays close for a while only.
            if step < 40:
                free, _, _ = paper_step(free, push[0])
                np.testing.assert_allclose(state, free, rtol=0, atol=1e-9)
            step, ended = step + 1, terminated or truncated


def test_equally_seeded_copies_are_equal():
    rng = np.random.default_rng(6)
    copies = CartPoleSwingUpEnv(), CartPoleSwingUpEnv()
    first, second = (env.reset(seed=9)[0].tolist() for env in copies)
    assert first == second
    for _ in range(50):
        action = rng.uniform(-1.0, 1.0, 1)
        first, second = (env.step(action)[:3] for env in copies)
        assert first[0].tolist() == second[0].tolist()
        assert first[1:] == second[1:]
    # Without a seed, both go on with the same stream, to another start.
    first, second = (env.reset()[0].tolist() for env in copies)
    assert first == second
    assert first != copies[0].reset(seed=9)[0].tolist()


def test_starts_are_spread_around_the_hanging_pole():
    starts = TASK.starts(range(1000))
    np.testing.assert_allclose(starts.mean(axis=0), HANGING, atol=0.03)
    np.testing.assert_allclose(starts.std(axis=0), 0.2, atol=0.02)


def test_rewards_stay_within_one_even_after_the_end(env):
    rng = np.random.default_rng(7)
    rewards = []
    for seed in range(20):
        env.reset(seed=seed)
        drift = rng.choice([-0.8, 0.0, 0.8])
        rewards += [env.step(rng.uniform(-1.0, 1.0, 1) + drift)[1] for _ in range(400)]
    assert -1.0 <= min(rewards) < 0.0
    assert 0.5 < max(rewards) <= 1.0


def test_upright_in_the_middle_earns_one(env):
    env.reset(options={"state": [0.0, 0.0, 0.0, 0.0]})
    assert env.step(np.zeros(1))[1] == pytest.approx(1.0, rel=0, abs=1e-12)


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_an_episode_ends_when_the_cart_leaves_the_track(env, side):
    env.reset(options={"state": [side * 2.39, side * 1.0, math.pi, 0.0]})
    assert env.step(np.zeros(1))[2] is False  # at 2.4 exactly or just below
    assert env.step(np.zeros(1))[2] is True


def test_an_episode_is_cut_off_after_1000_steps():
    env = gymnasium.make(SWINGUP_ID)
    env.reset(seed=0)
    ends = [env.step(np.zeros(1))[2:4] for _ in range(1000)]
    assert set(ends[:-1]) == {(False, False)}
    assert ends[-1] == (False, True)


def test_actions_outside_the_range_act_as_the_nearest_inside(env):
    for action, nearest in ((7.0, 1.0), (-1.01, -1.0)):
        env.reset(seed=1)
        far = env.step(np.array([action]))
        env.reset(seed=1)
        assert far[0].tolist() == env.step(np.array([nearest]))[0].tolist()


@pytest.mark.parametrize("action", [[0.5], np.array([0.5], np.float32), (0.5,)])
def test_anything_like_an_array_of_one_number_is_an_action(env, action):
    wanted = env.step(np.array([0.5]))[0].tolist()
    env.reset(seed=0)
    assert env.step(action)[0].tolist() == wanted


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (0.5, r"action must have the shape \(1,\), not \(\)$"),
        (np.zeros(2), r"action must have the shape \(1,\), not \(2,\)$"),
        ([[0.5]], r"action must have the shape \(1,\), not \(1, 1\)$"),
        (np.array([np.nan]), r"action must be finite, not \[nan\]$"),
        ([-np.inf], r"action must be finite, not \[-inf\]$"),
        ("left", r"action must be finite numbers of shape \(1,\), not 'left'$"),
        ([1.0, [2.0]], r"action must be finite numbers of shape \(1,\), not \[1.0, \[2.0\]\]$"),
    ],
)
def test_a_wrong_action_is_refused_and_changes_nothing(env, action, message):
    before = env.state.tolist()
    with pytest.raises(ValueError, match=message):
        env.step(action)
    assert env.state.tolist() == before


def test_an_episode_can_start_from_a_given_state(env):
    start = np.array([0.5, -1.0, 0.3, 2.0])
    observation, info = env.reset(options={"state": start})
    assert env.state.tolist() == start.tolist()
    np.testing.assert_allclose(observation, paper_observation(start), rtol=0, atol=1e-12)
    assert info == {}
    start[:] = 0.0
    assert env.state.tolist() == [0.5, -1.0, 0.3, 2.0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"state": [0.0, 0.0, 0.0]}, r"options\['state'\] must have the shape \(4,\), not \(3,\)$"),
        (
            {"state": [0.0, 0.0, math.nan, 0.0]},
            r"options\['state'\] must be finite, not \[0.0, 0.0, nan, 0.0\]$",
        ),
        ({"state": None}, r"options\['state'\] must have the shape \(4,\), not \(\)$"),
        ({"state": [2.5, 0.0, 0.0, 0.0]}, r"options\['state'\] must start within ±2.4 m, not at 2.5 m$"),
        ({"stat": 1, "low": 2}, r"options may hold 'state' only, not 'low', 'stat'$"),
    ],
)
def test_wrong_options_are_refused_and_change_nothing(env, options, message):
    before, stream = env.state.tolist(), env.np_random.bit_generator.state
    with pytest.raises(ValueError, match=message):
        env.reset(seed=3, options=options)
    assert env.state.tolist() == before
    assert env.np_random.bit_generator.state["state"] == stream["state"]


def test_nothing_works_before_the_first_reset():
    env = CartPoleSwingUpEnv(render_mode="rgb_array")
    with pytest.raises(ResetNeeded, match=r"step\(\) needs a preceding reset\(\)"):
        env.step(np.zeros(1))
    with pytest.raises(ResetNeeded, match=r"render\(\) needs a preceding reset\(\)"):
        env.render()
    with pytest.raises(ResetNeeded):
        gymnasium.make(SWINGUP_ID, render_mode="rgb_array").render()


def test_an_unknown_render_mode_is_refused():
    with pytest.raises(ValueError, match=r"render_mode must be None or one of .*, not 'ansi'"):
        CartPoleSwingUpEnv(render_mode="ansi")


def test_rendering_without_a_mode_warns_and_draws_nothing(env):
    with pytest.warns(UserWarning, match="draws nothing without a render mode"):
        assert env.render() is None


def picture_of(state, action=None):
    env = CartPoleSwingUpEnv(render_mode="rgb_array")
    env.reset(options={"state": state})
    if action is not None:
        env.step(np.array([action]))
    return env.render().astype(int)


def pixels_like(picture, colour):
    """Rows and columns of the pixels of about a colour."""
    return np.nonzero(np.abs(picture - colour).max(axis=2) < 12)


@pytest.mark.usefixtures("no_screen")
def test_pictures_need_no_screen_and_follow_the_state():
    env = CartPoleSwingUpEnv(render_mode="rgb_array")
    env.reset(seed=0)
    first = env.render()
    assert (first.shape, first.dtype) == ((360, 640, 3), np.uint8)
    assert first.flags.c_contiguous
    assert np.array_equal(first, env.render())
    kept = first.copy()
    env.step(np.ones(1))
    assert not np.array_equal(first, env.render())
    assert np.array_equal(first, kept)
    env.reset(seed=0)
    assert np.array_equal(first, env.render())
    env.close()


@pytest.mark.usefixtures("no_screen")
@pytest.mark.parametrize("angle", [0.0, 0.5 * math.pi, math.pi, -0.5 * math.pi])
def test_the_pole_is_drawn_to_scale_and_counterclockwise(angle):
    x = 0.4
    rows, columns = pixels_like(picture_of([x, 0.0, angle, 0.0]), rendering._WOOD)
    reach = 0.6 * 104  # pixels
    pivot = 320 + x * 104, 182
    tip_x, tip_y = pivot[0] - reach * math.sin(angle), pivot[1] - reach * math.cos(angle)
    left, right = sorted((pivot[0], tip_x))
    top, bottom = sorted((pivot[1], tip_y))
    found = columns.min(), columns.max(), rows.min(), rows.max()
    np.testing.assert_allclose(found, [left - 4.5, right + 4.5, top - 4.5, bottom + 4.5], atol=2)


@pytest.mark.usefixtures("no_screen")
def test_an_arrow_shows_the_force_of_the_last_step():
    assert pixels_like(picture_of(HANGING), rendering._PUSH)[0].size == 0
    assert pixels_like(picture_of(HANGING, 0.0), rendering._PUSH)[0].size == 0
    right, left = (pixels_like(picture_of(HANGING, push), rendering._PUSH)[1] for push in (1.0, -1.0))
    assert right.min() > 320 > left.max()
    half = pixels_like(picture_of(HANGING, 0.5), rendering._PUSH)[1]
    assert 0.4 < np.ptp(half) / np.ptp(right) < 0.6
    too_far = pixels_like(picture_of(HANGING, 9.0), rendering._PUSH)[1]
    assert np.ptp(too_far) == np.ptp(right)


@pytest.mark.parametrize("x", [-2.4, 2.4, 50.0, 1e300])
def test_a_cart_at_or_beyond_the_edge_can_be_drawn(x):
    picture = rendering.draw_cart_pole(x, 1.0, 1.0, rendering.Track(half=2.4, pole=0.6))
    assert picture.get_size() == (640, 360)


def test_a_window_shows_every_step_in_real_time_and_closes(monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = CartPoleSwingUpEnv(render_mode="human")
    env.reset(seed=0)
    display = rendering.pygame.display
    before = rendering.to_array(display.get_surface())
    begin = time.perf_counter()
    for _ in range(20):
        env.step(np.ones(1))
    assert time.perf_counter() - begin >= 0.19
    assert not np.array_equal(before, rendering.to_array(display.get_surface()))
    assert env.render() is None
    env.close()
    assert not display.get_init()
    env.close()
    env.reset(seed=0)  # opens a new one
    assert display.get_init()
    env.close()


def test_without_pygame_the_hint_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pygame", None)
    monkeypatch.delitem(sys.modules, "wann_envs.rendering")
    monkeypatch.delattr(wann_envs, "rendering")
    env = CartPoleSwingUpEnv(render_mode="rgb_array")
    env.reset(seed=0)
    with pytest.raises(DependencyNotInstalled, match="pip install pygame-ce"):
        env.render()
