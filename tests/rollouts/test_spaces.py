"""Every searchable space becomes named numbers, and any outputs become an action in the space."""

from importlib.util import find_spec

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from wann.rollouts.spaces import MOST_NUMBERS, action_codec, observation_codec
from wann.settings import build_settings
from wann.tasks.known import GENERIC, KNOWN
from wann.tasks.registry import facts

shapes = st.lists(st.integers(1, 3), max_size=3).map(tuple)
keys = st.text("ab. [0]", min_size=1, max_size=5)


@st.composite
def float_boxes(draw, most=np.inf):
    shape = draw(shapes)
    dtype = draw(st.sampled_from([np.float16, np.float32, np.float64]))
    limit = min(float(np.finfo(dtype).max) * 0.99, most)
    ends = st.floats(-limit, limit) | st.sampled_from([-1.0, 1.0, 0.0, limit, -limit])
    count = int(np.prod(shape))
    pairs = draw(st.lists(st.tuples(ends, ends), min_size=count, max_size=count))
    low, high = (np.array([pick(pair) for pair in pairs]).astype(dtype).reshape(shape) for pick in (min, max))
    return spaces.Box(low, high, dtype=dtype)


@st.composite
def integer_boxes(draw, most=2**64):
    dtype = draw(st.sampled_from([np.uint8, np.int8, np.int32, np.int64, np.uint64]))
    ends = st.integers(max(int(np.iinfo(dtype).min), -most), min(int(np.iinfo(dtype).max), most))
    low, high = sorted((draw(ends), draw(ends)))
    shape = draw(st.sampled_from([(), (1,), (3,), (2, 2)]))
    return spaces.Box(np.full(shape, low, dtype), np.full(shape, high, dtype), dtype=dtype)


counts = st.integers(1, 5)
choices = st.one_of(
    st.builds(lambda n, start: spaces.Discrete(n, start=start), counts, st.integers(-9, 9)),
    st.builds(
        lambda shape, seed: spaces.MultiDiscrete(
            np.random.default_rng(seed).integers(1, 5, shape),
            start=np.random.default_rng(seed).integers(-5, 5, shape),
        ),
        st.sampled_from([(), (1,), (3,), (2, 2)]),
        st.integers(0, 99),
    ),
    st.builds(spaces.MultiBinary, counts | st.sampled_from([(2, 2), (3,)])),
)


def nested(leaves):
    return st.recursive(
        leaves,
        lambda parts: (
            st.dictionaries(keys, parts, min_size=1, max_size=3).map(spaces.Dict)
            | st.lists(parts, min_size=1, max_size=3).map(spaces.Tuple)
        ),
        max_leaves=5,
    )


searchable = nested(choices | float_boxes() | integer_boxes())
sampled = nested(
    choices | float_boxes(1e4) | integer_boxes(1000)
)  # Gymnasium cannot sample the widest ranges
any_floats = st.floats(allow_nan=True, allow_infinity=True)


@given(sampled, st.integers(0, 99))
def test_an_observation_becomes_as_many_finite_numbers_as_there_are_names(space, seed):
    codec = observation_codec(space)
    space.seed(seed)
    numbers = codec.encode(space.sample())
    assert numbers.shape == (codec.size,)
    assert numbers.dtype == np.float64
    assert numbers.flags.c_contiguous
    assert np.isfinite(numbers).all()


@given(searchable)
def test_names_are_unique_and_not_empty(space):
    for codec in (observation_codec(space), action_codec(space)):
        assert len(set(codec.names)) == codec.size == len(codec.names)
        assert all(codec.names)


@given(searchable, st.data())
def test_any_outputs_give_an_action_in_the_space(space, data):
    codec = action_codec(space)
    outputs = data.draw(st.lists(any_floats, min_size=codec.size, max_size=codec.size))
    assert space.contains(codec.decode(np.array(outputs)))


@given(searchable, st.sampled_from([np.nan, np.inf, -np.inf, 1e308, -1e308, 0.0]))
def test_extreme_outputs_give_an_action_in_the_space(space, value):
    codec = action_codec(space)
    assert space.contains(codec.decode(np.full(codec.size, value)))


@given(sampled, st.integers(0, 99))
def test_an_action_of_choices_comes_back_from_its_one_hot_numbers(space, seed):
    """Numbers of an observation, taken as outputs, choose that observation again."""
    space.seed(seed)
    sample = space.sample()
    back = action_codec(space).decode(observation_codec(space).encode(sample))

    def compare(part, one, other):
        if isinstance(part, spaces.Dict):
            assert list(other) == list(part.spaces)
            for key in part.spaces:
                compare(part[key], one[key], other[key])
        elif isinstance(part, spaces.Tuple):
            assert isinstance(other, tuple)
            for piece, a, b in zip(part.spaces, one, other, strict=True):
                compare(piece, a, b)
        elif not isinstance(part, spaces.Box):
            assert np.array_equal(one, other)
            assert np.asarray(one).dtype == np.asarray(other).dtype

    compare(space, sample, back)


@given(float_boxes(), st.data())
def test_a_continuous_action_is_linear_between_its_bounds(space, data):
    size = action_codec(space).size
    outputs = np.array(data.draw(st.lists(st.floats(-2, 2), min_size=size, max_size=size)))
    action = action_codec(space).decode(outputs)
    low, high = space.low.ravel().astype(np.float64), space.high.ravel().astype(np.float64)
    share = (np.clip(outputs, -1, 1) + 1) / 2
    wanted = low * (1 - share) + high * share
    scale = np.maximum(np.abs(low), np.abs(high)).max()
    tolerance = 4 * float(np.finfo(space.dtype).eps) * scale + float(np.finfo(space.dtype).tiny)
    np.testing.assert_allclose(action.ravel().astype(np.float64), wanted, rtol=0, atol=tolerance)


@given(st.lists(any_floats.filter(lambda x: x == x), min_size=3, max_size=3))
def test_for_a_range_of_one_the_action_is_the_clipped_output_to_the_bit(outputs):
    outputs = np.array(outputs)
    action = action_codec(spaces.Box(-1.0, 1.0, (3,), np.float64)).decode(outputs)
    assert action.tobytes() == np.clip(outputs, -1.0, 1.0).tobytes()


def test_the_ends_of_the_outputs_are_the_ends_of_the_range():
    space = spaces.Box(np.array([-2.0, 0.1]), np.array([5.0, 0.3]), dtype=np.float64)
    decode = action_codec(space).decode
    assert decode(np.array([-1.0, -1.0])).tolist() == [-2.0, 0.1]
    assert decode(np.array([1.0, 7.0])).tolist() == [5.0, 0.3]
    assert decode(np.array([0.0, np.nan])).tolist() == pytest.approx([1.5, 0.2])


def test_a_whole_numbered_range_is_reached_from_end_to_end_and_rounded():
    decode = action_codec(spaces.Box(0, 10, (4,), np.int64)).decode
    assert decode(np.array([-1.0, 1.0, 0.18, np.nan])).tolist() == [0, 10, 6, 5]
    wide = spaces.Box(np.array([-(2**62)]), np.array([2**63 - 2]), dtype=np.int64)
    assert action_codec(wide).decode(np.array([1.0])).tolist() == [2**63 - 2]


@pytest.mark.parametrize(
    ("outputs", "choice"),
    [
        ([1.0, 3.0, 2.0], 1),
        ([2.0, 2.0, 1.0], 0),
        ([-np.inf, -np.inf, -1e300], 2),
        ([np.nan, -2.0, -1.0], 2),
        ([-2.0, np.nan, -1.0], 2),
        ([np.nan, np.nan, np.nan], 0),
        ([-np.inf, np.nan, -np.inf], 0),
    ],
)
def test_the_largest_output_that_is_a_number_chooses_the_first_of_equal_ones(outputs, choice):
    assert action_codec(spaces.Discrete(3)).decode(np.array(outputs)) == choice
    assert action_codec(spaces.Discrete(3, start=-7)).decode(np.array(outputs)) == choice - 7
    pair = action_codec(spaces.MultiDiscrete([3, 3], start=[0, 4])).decode(np.array(outputs * 2))
    assert pair.tolist() == [choice, choice + 4]


def test_a_binary_action_is_on_above_zero():
    decode = action_codec(spaces.MultiBinary((2, 2))).decode
    assert decode(np.array([0.0, 1e-9, -3.0, np.nan])).tolist() == [[0, 1], [0, 0]]


def test_a_choice_is_one_among_zeros():
    assert observation_codec(spaces.Discrete(4, start=2)).encode(3).tolist() == [0, 1, 0, 0]
    codec = observation_codec(spaces.MultiDiscrete([[2, 3]], start=[[0, 5]]))
    assert codec.encode(np.array([[1, 6]])).tolist() == [0, 1, 0, 1, 0]
    assert codec.names == ("x[0,0]=0", "x[0,0]=1", "x[0,1]=5", "x[0,1]=6", "x[0,1]=7")


def test_numbers_are_taken_as_they_are_in_row_major_order():
    picture = spaces.Box(0, 255, (2, 2), np.uint8)
    assert observation_codec(picture).encode(np.array([[0, 255], [7, 8]], np.uint8)).tolist() == [
        0,
        255,
        7,
        8,
    ]
    turned = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    codec = observation_codec(spaces.Box(-np.inf, np.inf, (2, 3), np.float64))
    assert codec.encode(turned).tolist() == [0, 1, 2, 3, 4, 5]


def test_the_parts_of_a_space_are_named_by_their_keys_and_encoded_in_the_order_of_the_space():
    space = spaces.Dict(
        {
            "position": spaces.Box(-1, 1, (2,)),
            "inner": spaces.Tuple([spaces.Discrete(2), spaces.MultiBinary(2)]),
            "speed": spaces.Box(0, 1, ()),
        }
    )
    codec = observation_codec(space)
    assert codec.names == (
        *("inner.part 0=0", "inner.part 0=1", "inner.part 1[0]", "inner.part 1[1]"),
        *("position[0]", "position[1]"),
        "speed",
    )
    observation = {"speed": np.float32(0.5), "inner": (1, np.array([1, 0])), "position": np.array([0.25, -1])}
    assert codec.encode(observation).tolist() == [0, 1, 1, 0, 0.25, -1, 0.5]


def test_a_space_of_its_own_has_short_names():
    assert observation_codec(spaces.Box(-1, 1, (2,))).names == ("x0", "x1")
    assert observation_codec(spaces.Box(-1, 1, ())).names == ("x",)
    assert observation_codec(spaces.Discrete(2)).names == ("state=0", "state=1")
    assert observation_codec(spaces.MultiBinary(2)).names == ("bit 0", "bit 1")
    assert action_codec(spaces.Box(-1, 1, (2,))).names == ("action 0", "action 1")
    assert action_codec(spaces.Discrete(2, start=1)).names == ("action=1", "action=2")
    assert action_codec(spaces.MultiBinary(2)).names == ("button 0", "button 1")


def test_equal_names_are_told_apart():
    space = spaces.Dict(
        {"a": spaces.Box(0, 1, (2,)), "a[0]": spaces.Box(0, 1, ()), "a[0]'": spaces.Box(0, 1, ())}
    )
    names = observation_codec(space).names
    assert len(set(names)) == 4
    assert names[:2] == ("a[0]", "a[1]")


def test_given_names_are_used_and_checked():
    space = spaces.Box(-1, 1, (2,))
    assert observation_codec(space, ["left", "right"]).names == ("left", "right")
    with pytest.raises(ValueError, match="the space has 2 inputs, but 3 names were given"):
        observation_codec(space, ["a", "b", "c"])
    with pytest.raises(ValueError, match="names of outputs must differ, but 'a' was given more than once"):
        action_codec(space, ["a", "a"])


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (spaces.Box(0, 255, (84, 84, 3), np.uint8), r"raw images cannot be searched: .*\(84, 84, 3\) uint8"),
        (spaces.Dict({"eye": spaces.Box(0, 255, (4, 4, 1), np.uint8)}), "raw images cannot be searched"),
        (spaces.Box(-1, 1, (65, 64)), "the observation space needs 4,160 numbers"),
        (spaces.Discrete(10**9), "needs 1,000,000,000 numbers"),
        (spaces.Tuple([spaces.Discrete(4000), spaces.Discrete(97)]), "needs 4,097 numbers"),
        (spaces.Text(5), "observations of the kind Text cannot be searched; wrap the environment"),
        (spaces.Sequence(spaces.Discrete(2)), "observations of the kind Sequence"),
        (spaces.Graph(spaces.Discrete(2), None), "observations of the kind Graph"),
        (spaces.OneOf([spaces.Discrete(2), spaces.Discrete(3)]), "observations of the kind OneOf"),
        (spaces.Dict({"a": spaces.Dict({"b": spaces.Text(3)})}), "observations of the kind Text"),
        (spaces.Box(-1, 1, (0,)), "is empty"),
        (spaces.Dict({}), "is empty"),
        (spaces.Tuple([]), "is empty"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_observed_is_refused_in_one_line(space, message):
    with pytest.raises(ValueError, match=message) as caught:
        observation_codec(space)
    assert "\n" not in str(caught.value)


class Odd(gymnasium.Space):
    """A space that nobody knows."""


@pytest.mark.parametrize(
    ("space", "message"),
    [
        (spaces.Box(-np.inf, np.inf, (2,)), r"entry 0 \('action 0'\) goes from -inf to inf"),
        (
            spaces.Dict(
                {
                    "a": spaces.Discrete(2),
                    "b": spaces.Box(np.zeros(2), np.array([1.0, np.inf]), dtype=np.float64),
                }
            ),
            r"entry 1 \('b\[1\]'\) goes from 0.0 to inf; wrap the environment",
        ),
        (spaces.Box(-np.finfo(np.float32).max, np.finfo(np.float32).max, (1,)), "actions without bounds"),
        (spaces.Box(-np.inf, np.inf, (1,), np.int64), "actions without bounds"),
        (spaces.Text(5), "actions of the kind Text cannot be searched"),
        (spaces.OneOf([spaces.Discrete(2), spaces.Discrete(3)]), "actions of the kind OneOf"),
        (Odd(), "actions of the kind Odd"),
        (spaces.Box(-1, 1, (0,)), "the action space .* is empty"),
        (spaces.Discrete(MOST_NUMBERS + 1), "the action space needs 4,097 numbers"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_cannot_be_acted_is_refused_in_one_line(space, message):
    with pytest.raises(ValueError, match=message) as caught:
        action_codec(space)
    assert "\n" not in str(caught.value)


def test_the_largest_space_is_still_searched():
    assert observation_codec(spaces.Box(0, 1, (64, 64))).size == MOST_NUMBERS
    assert observation_codec(spaces.Discrete(MOST_NUMBERS)).size == MOST_NUMBERS


def test_an_empty_part_adds_nothing():
    codec = observation_codec(
        spaces.Dict({"a": spaces.Box(0, 1, (0,)), "b": spaces.Box(0, 1, (1,)), "c": spaces.Dict({})})
    )
    assert codec.names == ("b[0]",)
    assert codec.encode({"a": np.empty(0), "b": np.array([0.5]), "c": {}}).tolist() == [0.5]


@pytest.mark.parametrize(
    ("space", "observation", "message"),
    [
        (spaces.Box(-1, 1, (2,)), np.zeros(3), r"has shape \(3,\), but its space has 2 entries"),
        (spaces.Discrete(3), 3, "holds 3, outside of 0 to 2"),
        (spaces.Discrete(3, start=1), 0, "holds 0, outside of 1 to 3"),
        (spaces.MultiDiscrete([2, 2]), np.array([0, -1]), "holds -1"),
    ],
)
def test_an_observation_outside_of_its_space_is_refused(space, observation, message):
    with pytest.raises(ValueError, match=message):
        observation_codec(space).encode(observation)


@pytest.fixture
def known_env(tmp_path, monkeypatch):
    """Makes a known environment; skips where its extra is missing."""
    monkeypatch.chdir(tmp_path)  # MuJoCo writes a log where it runs

    def make(env_id):
        extra = "mujoco" if env_id.startswith(("Half", "Ant")) else "Box2D"
        if find_spec(extra) is None:
            pytest.skip(f"needs the {extra.lower()} extra")
        return gymnasium.make(env_id)

    return make


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("env_id", [*KNOWN, "BipedalWalker-v3", "LunarLander-v3", "LunarLanderContinuous-v3"])
def test_the_names_of_known_environments_fit_their_spaces(env_id, known_env):
    with known_env(env_id) as env:
        known = facts(env_id)
        assert observation_codec(env.observation_space, known.inputs).names == known.inputs
        assert action_codec(env.action_space, known.outputs).names == known.outputs
        assert {preset["max_steps"] for preset in known.presets.values()} == {env.spec.max_episode_steps}


@pytest.mark.parametrize("known", [GENERIC, *KNOWN.values()], ids=["generic", *KNOWN])
def test_the_presets_of_known_environments_are_valid_and_described(known):
    assert set(known.presets) == set(known.preset_notes) == {*("lexicase", "stratified", "paper", "laptop")}
    assert known.default_preset in known.presets
    for values in known.presets.values():
        settings = build_settings(values)
        assert set(values) <= set(type(settings).model_fields)
    assert known.presets["paper"]["weight_sampling"] == "fixed"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_named_contact_forces_of_a_standing_ant_carry_its_weight(known_env):
    with known_env("Ant-v5") as env:
        observation, _ = env.reset(seed=0)
        for _ in range(80):
            observation, *_ = env.step(np.zeros(8))
        names = KNOWN["Ant-v5"].inputs
        lift = sum(observation[k] for k, name in enumerate(names) if name.endswith("contact force z"))
        sideways = sum(observation[k] for k, name in enumerate(names) if name.endswith("contact force x"))
    assert lift > 3.9, "four feet, each clipped to 1"
    assert abs(sideways) < 0.1


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_legs_of_the_lander_are_named_by_where_they_start(known_env):
    with known_env("LunarLander-v3") as env:
        env.reset(seed=0)
        first, second = (leg.position.x for leg in env.unwrapped.legs)
    assert first > second
    assert facts("LunarLander-v3").inputs[-2:] == ("right leg contact", "left leg contact")
