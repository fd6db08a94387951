"""Episodes stepped in Python: right numbers, each from its own seed, and failures that hurt nobody else."""

import signal
import threading
import time
from contextlib import suppress
from importlib.util import find_spec

import gymnasium
import numpy as np
import pytest
from conftest import evolved
from gymnasium import spaces
from hypothesis import example, given
from hypothesis import strategies as st

from wann.networks.network import batch_networks, compile_genome, evaluate_network
from wann.rollouts import time_limit
from wann.rollouts.job import Job
from wann.rollouts.repeatability import Verdict, same_seed_same_episode
from wann.rollouts.spaces import action_codec, observation_codec
from wann.rollouts.stepper import Stepper, forward_one
from wann.tasks.registry import get_task

WEIGHTS = np.array([-1.0, 0.5, 2.0])
SEEDS = [3, 4]


class Drift(gymnasium.Env):
    """A point that noise and the action move; it counts what is done to it."""

    observation_space = spaces.Box(-np.inf, np.inf, (3,), np.float32)
    action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
    made = closed = 0

    def __init__(self):
        type(self).made += 1
        self.now = 0
        self.point = np.zeros(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.now = 0
        self.point = self.np_random.normal(size=3)
        return self.observe(), {}

    def observe(self):
        return self.point.astype(np.float32)

    def step(self, action):
        self.now += 1
        self.point = 0.9 * self.point + 0.1 * self.np_random.normal(size=3)
        self.point[:2] += 0.3 * np.asarray(action, np.float64)
        return self.observe(), -abs(self.point[0]), bool(self.point[1] > 1.5), self.now >= 40, {}

    def close(self):
        type(self).closed += 1


class Remembers(Drift):
    """An episode depends on how many were played before on the same instance."""

    def __init__(self):
        super().__init__()
        self.played = -1

    def reset(self, *, seed=None, options=None):
        self.played += 1
        return super().reset(seed=seed)

    def observe(self):
        return (self.point + 1e-6 * min(self.played, 1)).astype(np.float32)


class Unseeded(Drift):
    """Ignores the seed."""

    generator = np.random.default_rng(1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.point = self.generator.normal(size=3)
        return self.observe(), {}


@pytest.fixture
def counted():
    """A subclass of an environment class with counters of its own."""

    def make(base=Drift, **members):
        return type("Counted", (base,), {"made": 0, "closed": 0, **members})

    return make


def stepper(env_class, **options):
    observations = observation_codec(env_class.observation_space)
    return Stepper(env_class, observations, action_codec(env_class.action_space), **options)


def networks(count, inputs=3, outputs=2, mutations=15):
    return [compile_genome(evolved(seed, mutations, inputs, outputs)) for seed in range(count)]


def play(env, network, weights, seed, max_steps):
    """One episode by hand, with the forward pass of the lanes."""
    observations, actions = observation_codec(env.observation_space), action_codec(env.action_space)
    observation, _ = env.reset(seed=seed)
    total = 0.0
    for now in range(max_steps):
        values = evaluate_network(network, observations.encode(observation)[None], weights)[0]
        action = actions.decode(values[network.outputs])
        observation, reward, terminated, truncated, _ = env.step(action)
        total += reward
        if terminated or truncated:
            return total, now + 1
    return total, max_steps


@given(st.integers(0, 10_000), st.integers(0, 60), st.integers(1, 4), st.booleans())
@example(2698, 18, 1, True)  # a sum whose only term is -0.0
def test_the_forward_pass_of_one_observation_gives_the_bits_of_a_lane(seed, mutations, inputs, shared):
    network = compile_genome(evolved(seed, mutations, inputs=inputs, outputs=2))
    rng = np.random.default_rng(seed)
    observation = rng.normal(size=inputs) * 10.0 ** rng.integers(-3, 4)
    weights = rng.uniform(-2, 2, 1 if shared else (1, network.sources.size))
    values, outputs = np.empty(network.rows), np.empty(2)
    program = np.concatenate([network.first_source, network.sources, network.activation, network.outputs])
    assert forward_one(program, shared, values, outputs, weights.ravel(), observation)
    lane = evaluate_network(network, observation[None], weights)[0]
    assert values.tobytes() == lane.tobytes()
    assert outputs.tobytes() == lane[network.outputs].tobytes()


@pytest.mark.parametrize("individual", [False, True], ids=["shared", "individual"])
def test_returns_and_steps_are_those_of_episodes_played_by_hand(individual):
    nets = networks(1 if individual else 4)
    weights = WEIGHTS
    if individual:
        weights = np.random.default_rng(0).uniform(-2, 2, (3, nets[0].sources.size))
    with stepper(Drift) as played:
        rollouts = played.roll_out(Job(batch_networks(nets), weights, SEEDS, 30, 0, len(nets)))
    assert rollouts.failures == ()
    assert rollouts.returns.shape == (len(nets), 3, 2)
    env = Drift()
    for p, network in enumerate(nets):
        for w in range(3):
            for e, seed in enumerate(SEEDS):
                total, steps = play(env, network, weights[w : w + 1], seed, 30)
                assert rollouts.returns[p, w, e] == total
                assert rollouts.steps[p, w, e] == steps
    assert len(np.unique(rollouts.steps)) > 1, "some episodes end early"


def test_a_part_of_a_batch_in_any_order_equals_that_part_of_the_whole():
    batch = batch_networks(networks(4))
    with stepper(Drift) as played:
        whole = played.roll_out(Job(batch, WEIGHTS, SEEDS, 30, 0, 4))
        part = played.roll_out(Job(batch, WEIGHTS[::-1], SEEDS[::-1], 30, 2, 4))
    assert part.returns[:, ::-1, ::-1].tobytes() == whole.returns[2:4].tobytes()
    assert part.steps[:, ::-1, ::-1].tobytes() == whole.steps[2:4].tobytes()


def test_an_episode_ends_where_the_environment_or_the_limit_cuts_it_off():
    batch = batch_networks(networks(1, mutations=0))
    with stepper(Drift) as played:
        assert played.roll_out(Job(batch, np.zeros(1), [1], 7, 0, 1)).steps.tolist() == [[[7]]]
        assert played.roll_out(Job(batch, np.zeros(1), [1], 100, 0, 1)).steps.tolist() == [[[40]]]


def test_one_instance_is_kept_from_call_to_call_and_closed_at_the_end(counted):
    env_class = counted()
    batch = batch_networks(networks(2))
    with stepper(env_class) as played:
        played.roll_out(Job(batch, WEIGHTS, SEEDS, 5, 0, 2))
        played.roll_out(Job(batch, WEIGHTS, SEEDS, 5, 0, 1))
        assert (env_class.made, env_class.closed) == (1, 0)
    assert (env_class.made, env_class.closed) == (1, 1)


def test_a_fresh_instance_for_each_episode_hides_what_the_others_left_behind(counted):
    env_class = counted(Remembers)
    batch = batch_networks(networks(2))
    with stepper(env_class, fresh=True) as fresh, stepper(env_class) as kept:
        first = fresh.roll_out(Job(batch, WEIGHTS, SEEDS, 20, 0, 2))
        assert env_class.made == 12
        again = fresh.roll_out(Job(batch, WEIGHTS, SEEDS[::-1], 20, 0, 2))
        used = kept.roll_out(Job(batch, WEIGHTS, SEEDS, 20, 0, 2))
    assert again.returns[:, :, ::-1].tobytes() == first.returns.tobytes()
    assert used.returns.tobytes() != first.returns.tobytes()
    assert env_class.closed == env_class.made


class Choices(gymnasium.Env):
    """Dict, Tuple and discrete spaces; pays for the right answer."""

    observation_space = spaces.Dict(
        {
            "card": spaces.Discrete(3, start=1),
            "rest": spaces.Tuple([spaces.MultiBinary(2), spaces.Box(-1, 1, (2,))]),
        }
    )
    action_space = spaces.Dict(
        {
            "guess": spaces.Discrete(3, start=1),
            "keys": spaces.MultiDiscrete([2, 3]),
            "push": spaces.Box(-3.0, 5.0, (1,)),
        }
    )

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        self.card = int(self.np_random.integers(1, 4))
        return self.look(), {}

    def look(self):
        bits = self.np_random.integers(0, 2, 2, dtype=np.int8)
        return {
            "rest": (bits, self.np_random.uniform(-1, 1, 2).astype(np.float32)),
            "card": np.int64(self.card),
        }

    def step(self, action):
        assert self.action_space.contains(action)
        reward = 1 if action["guess"] == self.card else 0
        reward += 0.1 * float(action["push"][0]) + 0.01 * int(action["keys"].sum())
        return self.look(), reward, False, False, {}


def test_nested_spaces_are_played_from_end_to_end():
    nets = networks(3, inputs=7, outputs=9, mutations=30)
    with stepper(Choices) as played:
        rollouts = played.roll_out(Job(batch_networks(nets), WEIGHTS, SEEDS, 12, 0, 3))
    assert rollouts.failures == ()
    env = Choices()
    for p, network in enumerate(nets):
        for w, weight in enumerate(WEIGHTS):
            assert rollouts.returns[p, w, 1] == play(env, network, weight[None], SEEDS[1], 12)[0]


def quiet_and_loud():
    """A network whose outputs are 0, and one whose first output is the shared weight."""
    genome = evolved(0, 0, 3, 2)
    loud = (genome.source == 0) & (genome.target == 4)
    return [compile_genome(genome.evolve(enabled=on)) for on in (np.zeros_like(loud), loud)]


def breaking(trouble):
    """`step` with trouble in the third step, where the first action is at its upper end."""

    def step(self, action):
        result = Drift.step(self, action)
        return trouble(self, *result) if self.now == 3 and action[0] == 1.0 else result

    return step


def sleep_on(env, *result):
    time.sleep(10)
    type(env).woke = True
    return result


@pytest.mark.parametrize(
    ("trouble", "reason", "steps"),
    [
        (lambda env, *rest: 1 // 0, "ZeroDivisionError: .* (step 3", 2),
        (lambda env, o, r, *rest: (o, np.nan, *rest), "FloatingPointError: the return is nan .* (step 3", 2),
        (
            lambda env, o, r, *rest: (o, -np.inf, *rest),
            "FloatingPointError: the return is -inf .* (step 3",
            2,
        ),
        (lambda env, o, r, *rest: (o, None, *rest), "TypeError: .* (step 3", 2),
        (
            lambda env, o, *rest: (np.array([0, np.nan, 0]), *rest),
            "FloatingPointError: the observation 'x1' is nan (step 4",
            3,
        ),
        (lambda env, o, *rest: (o[:2], *rest), "ValueError: an observation has shape (2,), .* (step 4", 3),
        (sleep_on, "TimeLimit: the episode took longer than 0.3 s, standing still (step 3", 2),
    ],
    ids=["raises", "nan reward", "infinite reward", "no reward", "nan observation", "wrong shape", "hangs"],
)
def test_a_failed_network_has_nan_and_a_reason_and_hurts_no_other(counted, trouble, reason, steps):
    quiet, loud = quiet_and_loud()
    batch = batch_networks([quiet, loud, quiet])
    with stepper(Drift) as played:
        calm = played.roll_out(Job(batch, WEIGHTS, SEEDS, 30, 0, 3))
    env_class = counted(step=breaking(trouble), woke=False)
    before = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    with stepper(env_class, limit_seconds=0.3 if trouble is sleep_on else 60.0) as played:
        failed = played.roll_out(Job(batch, WEIGHTS, SEEDS, 30, 0, 3))
        later = played.roll_out(Job(batch, WEIGHTS, SEEDS, 30, 1, 3))
    assert failed.returns[::2].tobytes() == calm.returns[::2].tobytes()
    assert np.isnan(failed.returns[1]).all()
    assert failed.steps[1, :2].tolist() == calm.steps[1, :2].tolist()
    assert failed.steps[1, 2].tolist() == [steps, 0]
    ((index, text),) = failed.failures
    first, _, rest = text.partition("\n")
    assert index == 1
    start, end = reason.split(" .* ") if " .* " in reason else (reason, reason)
    assert first.startswith(start)
    assert end in first
    assert first.endswith("of the episode with seed 3, weight 2.0)")
    assert "Traceback (most recent call last)" in rest
    assert failed.stalled == ((1,) if trouble is sleep_on else ())
    assert not env_class.woke
    assert [index for index, _ in later.failures] == [0], "indices count from the first network asked for"
    assert env_class.closed == env_class.made == 3, "each failure throws the environment away"
    assert (signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)) == before


def test_an_observation_that_ends_an_episode_may_hold_anything(counted):
    batch = batch_networks(quiet_and_loud()[1:])
    ended = breaking(lambda env, o, r, *rest: (o * np.nan, r, True, False, {}))
    with stepper(counted(step=ended)) as played:
        rollouts = played.roll_out(Job(batch, np.array([2.0]), SEEDS, 30, 0, 1))
    assert rollouts.failures == ()
    assert np.isfinite(rollouts.returns).all()
    assert rollouts.steps.tolist() == [[[3, 3]]]


def test_a_set_of_weights_is_named_by_its_index():
    loud = quiet_and_loud()[1]
    step = breaking(lambda env, *rest: 1 // 0)
    with stepper(type("Bad", (Drift,), {"step": step})) as played:
        rollouts = played.roll_out(Job(batch_networks([loud]), np.array([[0.0], [2.0]]), SEEDS, 30, 0, 1))
    assert rollouts.failures[0][1].splitlines()[0].endswith("seed 3, weight set 1)")


def test_an_environment_that_cannot_be_made_or_reset_fails_every_network(counted):
    def refuse(self, **_):
        raise RuntimeError("no\nscreen")

    batch = batch_networks(quiet_and_loud())
    for member in ("__init__", "reset"):
        with stepper(counted(**{member: refuse})) as played:
            rollouts = played.roll_out(Job(batch, WEIGHTS, SEEDS, 30, 0, 2))
        assert np.isnan(rollouts.returns).all()
        assert not rollouts.steps.any()
        assert [index for index, _ in rollouts.failures] == [0, 1]
        assert rollouts.failures[1][1].startswith(
            "RuntimeError: no screen (step 1 of the episode with seed 3"
        )


def interrupt(env, *result):
    signal.raise_signal(signal.SIGINT)
    return result


def test_an_interrupt_passes_through_and_the_stepper_can_still_be_used(counted):
    env_class = counted(step=breaking(interrupt))
    batch = batch_networks(quiet_and_loud())
    handled = (signal.SIGALRM, signal.SIGURG, signal.SIGINT)
    before = [signal.getsignal(number) for number in handled]
    with stepper(env_class, limit_seconds=60.0) as played:
        with pytest.raises(KeyboardInterrupt):
            played.roll_out(Job(batch, WEIGHTS, SEEDS, 30, 1, 2))
        assert [signal.getsignal(number) for number in handled] == before
        assert played.roll_out(Job(batch, WEIGHTS, SEEDS, 30, 0, 1)).failures == ()


class Own(BaseException):
    """What no `except Exception` catches."""


class UnprintableError(Exception):
    def __str__(self):
        raise SystemExit(3)


def raising(error):
    def trouble(env, *result):
        raise error

    return trouble


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SystemExit(0), "SystemExit: 0 "),
        (GeneratorExit(), "GeneratorExit "),
        (KeyboardInterrupt(), "KeyboardInterrupt "),
        (Own("its own"), "Own: its own "),
        (UnprintableError(), "UnprintableError, whose message cannot be told "),
        (ValueError("half a pair: \ud800"), "ValueError: half a pair: \\ud800 "),
        (ValueError("x" * 10**6), f"ValueError: {'x' * 296} ... "),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_an_environment_raises_is_the_failure_of_its_network(counted, error, reason):
    batch = batch_networks(quiet_and_loud())
    with stepper(counted(step=breaking(raising(error)))) as played:
        rollouts = played.roll_out(Job(batch, WEIGHTS[2:], SEEDS, 30, 0, 2))
    ((index, text),) = rollouts.failures
    assert index == 1
    assert text.startswith(f"{reason}(step 3 of the episode")
    assert "Traceback" in text
    assert len(text) < 30_000
    text.encode()  # it can be written to a file


def test_an_environment_that_does_not_close_hurts_nobody(counted):
    for error in (SystemExit(0), KeyboardInterrupt(), Own()):

        def refuse(self, error=error):
            raise error

        with stepper(counted(close=refuse)) as played:
            rollouts = played.roll_out(Job(batch_networks(quiet_and_loud()), WEIGHTS, SEEDS, 5, 0, 2))
        assert rollouts.failures == ()


def test_an_environment_that_swallows_exceptions_is_still_interrupted(counted):
    def stubborn(env, *result):
        for _ in range(2):
            with suppress(BaseException):
                time.sleep(10)
        return result

    batch = batch_networks(quiet_and_loud())
    with stepper(counted(step=breaking(stubborn)), limit_seconds=0.2) as played:
        rollouts = played.roll_out(Job(batch, WEIGHTS[2:], SEEDS, 30, 1, 2))
    assert rollouts.failures[0][1].startswith("TimeLimit")


def in_a_loop(work, levels=1):
    """Trouble that goes on for ever, whatever is raised in it."""

    def trouble(env, *result):
        while True:
            with suppress(BaseException):
                work() if levels == 1 else in_a_loop(work, levels - 1)(env)

    return trouble


def take_the_alarm(env, *result):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    threading.Event().wait()


def take_it_and_go_on(env, *result):
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    in_a_loop(lambda: time.sleep(10))(env)


def count_for_ever(env, *result):
    number = 0
    while True:
        number += 1


@pytest.mark.parametrize(
    ("trouble", "still"),
    [
        (in_a_loop(lambda: time.sleep(10)), True),
        (in_a_loop(lambda: time.sleep(10), 3), True),
        (in_a_loop(lambda: sum(range(100))), False),
        (take_the_alarm, True),
        (take_it_and_go_on, True),
        (count_for_ever, False),
    ],
    ids=["sleeps", "nested", "computes", "takes the alarm", "takes it and swallows", "counts"],
)
def test_an_environment_that_clings_to_its_thread_is_interrupted(counted, trouble, still):
    batch = batch_networks(quiet_and_loud())
    handled = (signal.SIGALRM, signal.SIGURG)
    before = [signal.getsignal(number) for number in handled]
    try:
        with stepper(counted(step=breaking(trouble)), limit_seconds=0.2) as played:
            rollouts = played.roll_out(Job(batch, WEIGHTS[2:], SEEDS, 30, 0, 2))
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
        after = [signal.getsignal(number) for number in handled]
        signal.signal(signal.SIGALRM, before[0])
    ((index, text),) = rollouts.failures
    assert (index, rollouts.stalled) == (1, (1,) if still else ())
    assert f"longer than 0.2 s{', standing still' if still else ' of processor time'} (step 3" in text
    assert after[1] == before[1]
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_an_episode_that_is_kept_from_a_processor_has_all_its_time(counted, monkeypatch):
    """Asleep is what it is here; the system says that it would compute."""

    def slow(env, *result):
        time.sleep(0.7)
        return result

    monkeypatch.setattr(time_limit._Thread, "waited", lambda thread: time.perf_counter())
    with stepper(counted(step=breaking(slow)), limit_seconds=0.2) as played:
        rollouts = played.roll_out(Job(batch_networks(quiet_and_loud()), WEIGHTS[2:], SEEDS, 30, 0, 2))
    assert rollouts.failures == ()


def test_in_another_thread_the_time_limit_is_checked_between_steps(counted):
    def step(self, action):
        if action[0] == 1.0:
            time.sleep(0.15)
        return Drift.step(self, action)

    env_class = counted(step=step)
    batch = batch_networks(quiet_and_loud())
    found = []

    def work():
        with stepper(env_class, limit_seconds=0.2) as played:
            found.append(played.roll_out(Job(batch, WEIGHTS[2:], SEEDS, 30, 0, 2)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert [index for index, _ in found[0].failures] == [1]
    assert found[0].steps[1, 0, 0] >= 3, "it was not still long enough before"
    assert found[0].steps[1, 0, 1] == 0


def test_a_timer_of_someone_else_goes_on():
    rang = []
    before = signal.signal(signal.SIGALRM, lambda *_: rang.append(True))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with stepper(Drift, limit_seconds=60.0) as played:
            played.roll_out(Job(batch_networks(quiet_and_loud()), WEIGHTS, SEEDS, 30, 0, 2))
        for _ in range(1000):
            if not rang:
                time.sleep(0.01)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert rang == [True]


def check(make_env, **options):
    with make_env() as env:
        codecs = observation_codec(env.observation_space), action_codec(env.action_space)
    return same_seed_same_episode(make_env, *codecs, **options)


def test_an_environment_that_keeps_nothing_is_repeatable(counted):
    env_class = counted()
    found = check(env_class)
    assert (found.verdict, found.difference) == (Verdict.REPEATABLE, None)
    assert found.episodes > 3
    assert found.steps >= 250
    assert env_class.closed == env_class.made > 2


def test_a_difference_in_the_last_bits_after_other_episodes_is_found():
    found = check(Remembers)
    assert found.verdict is Verdict.FRESH
    assert found.difference.startswith("episode with seed 1: step 0 gave x0 = ")
    assert found.difference.endswith(" on a fresh instance and on one used before")


def test_hidden_state_that_only_a_crash_leaves_behind_is_found(counted):
    def step(self, action):
        result = Drift.step(self, action)
        self.crashed = getattr(self, "crashed", 0) + result[2]
        return (*result[:1], result[1] + 1e-12 * (self.crashed > 2), *result[2:])

    found = check(counted(step=step))
    assert found.verdict is Verdict.FRESH
    assert ": step 1 gave reward = " in found.difference


def test_an_environment_that_ignores_the_seed_is_never_repeatable():
    found = check(Unseeded)
    assert found.verdict is Verdict.NEVER
    assert "step 0 gave x0 = " in found.difference
    assert found.difference.endswith(" on two fresh instances")


def test_an_environment_that_raises_each_time_alike_is_repeatable(counted):
    def step(self, action):
        if self.now == 5:
            raise RuntimeError("five")
        return Drift.step(self, action)

    assert check(counted(step=step)).verdict is Verdict.REPEATABLE


def test_a_check_waits_little_longer_than_an_episode_may_take():
    class Hanging(gymnasium.Env):
        observation_space = action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,))

        def reset(self, *, seed=None, options=None):
            return np.zeros(1, np.float32), {}

        def step(self, action):
            time.sleep(100.0)

    with pytest.raises(TimeoutError, match=r"within 0\.3 s"):
        check(Hanging, seconds=0.1, episode_seconds=0.1)


def test_a_check_that_hangs_ends_with_one_line(counted):
    def reset(self, **_):
        time.sleep(10)

    with pytest.raises(TimeoutError, match=r"did not finish a few short episodes within 0\.2 s"):
        check(counted(reset=reset), seconds=0.02)


needs_box2d = pytest.mark.skipif(find_spec("Box2D") is None, reason="needs the box2d extra")


def made(env_id):
    return lambda: gymnasium.make(env_id, disable_env_checker=True)


@pytest.mark.slow
@needs_box2d
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("env_id", "verdict"),
    [
        ("BipedalWalker-v3", Verdict.FRESH),
        ("BipedalWalkerHardcore-v3", Verdict.FRESH),  # only after some seven episodes
        ("LunarLander-v3", Verdict.REPEATABLE),
    ],
)
def test_which_box2d_environments_keep_hidden_state(env_id, verdict):
    found = check(made(env_id))
    assert found.verdict is verdict, found.difference
    assert get_task(env_id, stepping="gymnasium").fresh_env == (verdict is Verdict.FRESH)


@needs_box2d
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_walk_on_fresh_instances_follows_from_its_own_seed():
    make = made("BipedalWalker-v3")
    with make() as env:
        codecs = observation_codec(env.observation_space), action_codec(env.action_space)
    batch = batch_networks(networks(3, codecs[0].size, codecs[1].size))
    with Stepper(make, *codecs, fresh=True) as played:
        whole = played.roll_out(Job(batch, WEIGHTS, SEEDS, 60, 0, 3))
        alone = played.roll_out(Job(batch, WEIGHTS[1:2], SEEDS[1:], 60, 2, 3))
    assert alone.returns[0, 0, 0].tobytes() == whole.returns[2, 1, 1].tobytes()
