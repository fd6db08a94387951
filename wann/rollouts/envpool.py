"""Episodes in the C++ pool of envpool, all rollouts at once; the only module that imports it.

The pool seeds each of its environments when it is made, and a later episode of an environment goes on from
the random numbers of the one before. So a pool is made for each set of episodes, with a seed for each
environment, and only the first episode of each is used: it depends on its seed and its actions alone. The
random numbers are not Gymnasium's, so an episode is another one than Gymnasium's with that seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.envs.registration import registry
from numba import types
from numpy.typing import NDArray

from wann.kernels.forward import forward_individual, forward_shared, write_tape
from wann.kernels.lanes import WIDTH, blocks_for, compiled, kernel, lane_array
from wann.rollouts.job import Job
from wann.rollouts.result import Rollouts
from wann.utils.arrays import FloatArray

MOST_LANES = 512
"""Rollouts in a pool at a time; a Box2D world takes 0.2 MB."""

# Where the pool is worth it, at 2 to 3 times the speed; MuJoCo runs at 0.7 to 1.3 times the speed in it, and
# classic control is compiled. So are two of Box2D's environments, where the pool is used if it is asked for.
_FASTER = "gymnasium.envs.box2d"

_SEED_LIMIT = 2**31
_LAST = 2  # the step type that ends an episode
_PROBE_SEEDS, _PROBE_STEPS = (3, 1, 4, 1), 64


def pool_available(
    env_id: str,
    observations: gymnasium.Space[Any],
    actions: gymnasium.Space[Any],
    env_kwargs: Mapping[str, Any] | None = None,
) -> str | None:
    """Why the episodes of an environment cannot be played in the pool; None where they can.

    A few short episodes are played to see that each follows from its own seed, whatever else is in the pool.

    Args:
        env_id: registered Gymnasium id.
        observations, actions: the environment's spaces.
        env_kwargs: what `gymnasium.make` is given besides.

    Returns:
        The reason, in one line.
    """
    entry_point = registry[env_id].entry_point if env_id in registry else None
    if not str(entry_point).startswith(_FASTER):
        return "only Gymnasium's own Box2D environments gain from envpool"
    try:
        import envpool
    except ImportError as error:
        return f"envpool cannot be imported: {error} (pip install 'wann[envpool]')"
    if env_id not in envpool.list_all_envs():
        return f"envpool has no {env_id}"
    if env_kwargs:
        return f"envpool's environments take no settings of Gymnasium's ({', '.join(env_kwargs)})"
    spec = envpool.make_spec(env_id)
    if "env_seed" not in spec.config._fields:
        return f"envpool {envpool.__version__} cannot seed each environment; 1.2 or newer is needed"
    difference = _other_spaces(spec, observations, actions)
    if difference is None and not _follows_seeds(env_id):
        return f"an episode of envpool's {env_id} depends on more than its own seed"
    return difference


def pool_episodes(
    env_id: str,
    job: Job,
    stop_without_reward: int | None = None,
    *,
    threads: int = 1,
) -> Rollouts:
    """Episodes of each network at every weight on every seed, in pools of up to `MOST_LANES` environments.

    Outputs become actions as in `wann.rollouts.spaces`. A network fails when an observation that it has to
    act on is not finite, or a return is not.

    Args:
        env_id: an id for which `pool_available` gives no reason.
        job: which networks, weights and episodes; of individual weights, a single network; seeds in
            [0, 2**31).
        stop_without_reward: steps without a new highest return after which an episode is cut off.
        threads: of the pool.

    Returns:
        Rollouts of shape (last - first, W, E), the same bits whatever else is computed with them. A failed
        network has NaN for all its returns, and an entry in `failures`: its index counted from `first`, and
        one line that says what happened in the first of its episodes that failed.

    Raises:
        ValueError: a seed is out of range.
    """
    for seed in job.seed_of.flat:
        if not 0 <= seed < _SEED_LIMIT:
            raise ValueError(f"the pool takes episode seeds from 0 to 2**31 - 1, not {seed}")
    count, sets, episodes = job.shape
    lanes = _Lanes(
        np.repeat(np.asarray(job.weights, np.float64), episodes, axis=0),
        job.seed_of.reshape(-1),
    )

    def make(seeds: NDArray[np.int64]) -> Any:
        return _make(env_id, seeds, job.max_steps, threads)

    rollouts = count * sets * episodes
    returns, steps = np.zeros(rollouts), np.zeros(rollouts, np.int64)
    reasons: dict[int, str] = {}
    patience = stop_without_reward or job.max_steps
    for begin in range(0, rollouts, MOST_LANES):
        group = np.arange(begin, min(begin + MOST_LANES, rollouts))
        returns[group], steps[group] = _play(make, job, lanes, group, reasons, patience)
    returns, steps = returns.reshape(job.shape), steps.reshape(job.shape)
    failures = {rollout // lanes.seeds.size: reasons[rollout] for rollout in sorted(reasons, reverse=True)}
    returns[list(failures)] = np.nan
    return Rollouts(returns, steps, tuple(sorted(failures.items())))


@dataclass(frozen=True, slots=True)
class _Lanes:
    """The L lanes of each network of a job, weights outermost."""

    weights: FloatArray  # (L,) shared, or (L, C) individual
    seeds: NDArray[np.int64]  # (L,)

    def where(self, lane: int, step: int) -> str:
        """Words for the moment after so many steps of an episode."""
        weight = f"weight {float(self.weights[lane])!r}" if self.weights.ndim == 1 else "individual weights"
        return f"(after step {step} of the episode with seed {self.seeds[lane]}, {weight})"


def _play(
    make: Callable[[NDArray[np.int64]], Any],
    job: Job,
    lanes: _Lanes,
    group: NDArray[np.int64],
    reasons: dict[int, str],
    patience: int,
) -> tuple[FloatArray, NDArray[np.int64]]:
    """Returns and steps of N rollouts in one pool.

    Args:
        make: makes a pool of environments with these seeds.
        job, lanes: what to play.
        group: (N,) which of its rollouts, network times L plus lane, ascending.
        reasons: receives, by rollout, why it failed.
        patience: steps without a new highest return after which a rollout ends.
    """
    network, lane = np.divmod(group, lanes.seeds.size)
    pool = make(lanes.seeds[lane])
    policy = _Policy(job, lanes, pool.spec)
    policy.place(network, lane)
    total, count = np.zeros(group.size), np.zeros(group.size, np.int64)
    highest, reached = np.zeros(group.size), np.zeros(group.size, np.int64)  # the return, and when it was
    alive = np.arange(group.size)
    moment = pool.reset()
    while True:
        observations = np.asarray(moment.observation.obs, np.float64)
        going = moment.step_type != _LAST
        sound = np.isfinite(observations).all(axis=1) | ~going  # the last observation may hold anything
        sound &= np.isfinite(total[alive])
        for k in np.flatnonzero(~sound):
            at = alive[k]
            what = _what_is_not_finite(total[at], observations[k])
            reasons[int(group[at])] = f"{what} {lanes.where(lane[at], count[at])}"
        going &= sound & (count[alive] - reached[alive] < patience)
        if not going.all():
            alive, observations = alive[going], observations[going]
            policy.place(network[alive], lane[alive])
        if alive.size == 0:
            return total, count
        moment = pool.step(policy.actions(observations), alive)
        total[alive] += moment.reward
        count[alive] += 1
        higher = alive[total[alive] > highest[alive]]
        highest[higher], reached[higher] = total[higher], count[higher]


def _what_is_not_finite(total: float, observation: FloatArray) -> str:
    if not np.isfinite(total):
        return f"the return is {total}"
    index = int(np.flatnonzero(~np.isfinite(observation))[0])
    return f"the observation x{index} is {observation[index]}"


def _make(env_id: str, seeds: NDArray[np.int64], max_steps: int, threads: int) -> Any:
    import envpool

    return envpool.make_dm(
        env_id, num_envs=seeds.size, num_threads=threads, seed=seeds.tolist(), max_episode_steps=max_steps
    )


class _Policy:
    """One forward pass for the rollouts that are still going: observations to the pool's actions."""

    def __init__(self, job: Job, lanes: _Lanes, spec: Any) -> None:
        networks, self._job, self._lanes = job.networks, job, lanes
        action = spec.action_array_spec["action"]
        self._dtype, self._choice = np.dtype(action.dtype), _is_choice(action)
        outputs, blocks = networks.outputs.shape[1], blocks_for(lanes.seeds.size)
        # In float32, as Gymnasium's spaces have them.
        self._low, self._high = (
            np.full(outputs, bound, np.float32).astype(np.float64)
            for bound in (action.minimum, action.maximum)
        )
        self._begins = np.zeros(job.last - job.first + 1, np.int64)
        sets = job.last - job.first if job.weights.ndim == 1 else job.weights.shape[1]
        self._weights = lane_array(sets, blocks)
        self._values = lane_array(networks.most_rows, blocks)
        self._tape, self._tape_from = _tapes(
            networks.inputs,
            networks.first_node,
            networks.first_connection,
            networks.first_source,
            networks.sources,
            networks.activation,
            np.arange(networks.most_rows, dtype=np.int32),
            job.first,
            job.last,
            blocks * WIDTH,
        )

    def place(self, network: NDArray[np.int64], lane: NDArray[np.int64]) -> None:
        """Say which network, ascending, and lane of the job each rollout is."""
        self._begins = np.searchsorted(network, np.arange(self._begins.size))
        own = np.arange(network.size) - self._begins[network]  # its place among the lanes of its network
        flat = self._weights.reshape(len(self._weights), -1)
        if self._job.weights.ndim == 1:
            flat[network, own] = self._lanes.weights[lane]
        else:
            flat[:, own] = self._lanes.weights[lane].T

    def actions(self, observations: FloatArray) -> NDArray[Any]:
        """Actions (N, ...) for observations (N, I)."""
        networks = self._job.networks
        actions = np.empty((len(observations), 1 if self._choice else networks.outputs.shape[1]))
        _act(
            networks.inputs,
            networks.outputs,
            self._tape,
            self._tape_from,
            self._weights,
            self._job.weights.ndim == 1,
            self._job.first,
            self._begins,
            observations,
            self._choice,
            self._low,
            self._high,
            self._values,
            actions,
        )
        return (actions[:, 0] if self._choice else actions).astype(self._dtype)


@kernel
def _tapes(
    inputs, first_node, first_connection, first_source, sources, activation, order, first, last, stride
):
    """Tapes of networks `first` to `last - 1` end to end, and where each begins: they serve every step."""
    tape, tape_from = (
        np.empty(sources.size + 4 * activation.size, np.int64),
        np.zeros(last - first + 1, np.int64),
    )
    for index in range(last - first):
        network = first + index
        node_from, node_to = first_node[network], first_node[network + 1]
        tape_from[index + 1] = write_tape(
            1 + inputs,
            order[: node_to - node_from],
            first_source[node_from + network : node_to + network + 1],
            sources[first_connection[network] : first_connection[network + 1]],
            activation[node_from:node_to],
            stride,
            tape,
            tape_from[index],
        )
    return tape, tape_from


@compiled(
    types.void(
        types.int64,  # inputs
        types.int32[:, ::1],  # outputs
        types.int64[::1],  # tape
        types.int64[::1],  # tape_from
        types.float64[:, :, ::1],  # lane_weights
        types.boolean,  # shared
        types.int64,  # first
        types.int64[::1],  # begins
        types.float64[:, ::1],  # observations
        types.boolean,  # choice
        types.float64[::1],  # low
        types.float64[::1],  # high
        types.float64[:, :, ::1],  # values, scratch
        types.float64[:, ::1],  # actions, written
    )
)
def _act(
    inputs,
    outputs,
    tape,
    tape_from,
    lane_weights,
    shared,
    first,
    begins,
    observations,
    choice,
    low,
    high,
    values,
    actions,
):
    values[0] = 1.0
    for index in range(begins.size - 1):
        begin, lanes = begins[index], begins[index + 1] - begins[index]
        if lanes == 0:
            continue
        network = first + index
        blocks = (lanes + WIDTH - 1) // WIDTH
        for lane in range(lanes):
            for i in range(inputs):
                values[1 + i, lane // WIDTH, lane % WIDTH] = observations[begin + lane, i]
        if shared:
            weights = lane_weights[index : index + 1]
            forward_shared(tape, tape_from[index], tape_from[index + 1], weights, values, blocks)
        else:
            forward_individual(tape, tape_from[index], tape_from[index + 1], lane_weights, values, blocks)
        for lane in range(lanes):
            best, largest = 0, -np.inf
            for a in range(outputs.shape[1]):
                x = values[outputs[network, a], lane // WIDTH, lane % WIDTH]
                if x != x:
                    x = 0.0
                if choice:
                    if x > largest:
                        best, largest = a, x
                else:
                    half, middle = 0.5 * high[a] - 0.5 * low[a], 0.5 * high[a] + 0.5 * low[a]
                    scaled = middle + half * min(max(x, -1.0), 1.0)
                    actions[begin + lane, a] = min(max(scaled, low[a]), high[a])
            if choice:
                actions[begin + lane, 0] = low[0] + best


def _is_choice(action: Any) -> bool:
    return bool(np.issubdtype(action.dtype, np.integer))


def _other_spaces(spec: Any, observations: Any, actions: Any) -> str | None:
    """In what the pool's spaces differ from Gymnasium's, or from what is played here."""
    parts = [key for key in spec.state_array_spec if key.startswith("obs")]
    observation, action = spec.state_array_spec.get("obs"), spec.action_array_spec.get("action")
    if parts != ["obs"] or not isinstance(observations, spaces.Box) or len(observations.shape) != 1:
        return "only observations in one row of numbers are taken from envpool"
    if tuple(observation.shape) != observations.shape:
        return f"envpool observes {tuple(observation.shape)} numbers, Gymnasium {observations.shape}"
    bounds = np.float32(action.minimum), np.float32(action.maximum)
    if isinstance(actions, spaces.Discrete):
        same = _is_choice(action) and bounds == (actions.start, actions.start + actions.n - 1)
    elif isinstance(actions, spaces.Box) and len(actions.shape) == 1:
        same = tuple(action.shape)[-1:] == actions.shape and not _is_choice(action)
        same = same and bool((actions.low == bounds[0]).all() and (actions.high == bounds[1]).all())
    else:
        return "only a choice, or numbers in one row, are given to envpool as actions"
    return None if same else f"envpool takes other actions than Gymnasium's {actions}"


def _follows_seeds(env_id: str) -> bool:
    """Whether a few short episodes are, bit for bit, the same alone in a pool and among others."""
    together = _probe(env_id, _PROBE_SEEDS)
    return all(_probe(env_id, (seed,)) == [together[k]] for k, seed in enumerate(_PROBE_SEEDS))


def _probe(env_id: str, seeds: tuple[int, ...]) -> list[list[bytes]]:
    """What each environment of a pool gives in its first episode, under random actions of its seed."""
    pool = _make(env_id, np.array(seeds), _PROBE_STEPS, threads=1)
    action = pool.spec.action_array_spec["action"]
    low, high = float(action.minimum), float(action.maximum)
    size = (_PROBE_STEPS, *(n for n in action.shape if n > 0))
    moves = np.stack([np.random.default_rng(seed).uniform(low, high, size) for seed in seeds], axis=1)
    if _is_choice(action):
        moves = np.rint(moves)
    moment, going = pool.reset(), np.ones(len(seeds), bool)
    seen: list[list[bytes]] = [[] for _ in seeds]
    for move in moves.astype(action.dtype):
        for k in np.flatnonzero(going):
            seen[k] += [moment.observation.obs[k].tobytes(), moment.reward[k].tobytes()]
        moment = pool.step(move, np.arange(len(seeds)))
        going &= moment.step_type != _LAST
    return seen
