"""The settings of a search: validated, frozen, read from TOML, written resolved.

Every setting has a default, is checked when given, and changes something. Presets belong to tasks
(`wann.tasks`); a settings file and `--set` override them, in this order.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from wann.utils.nearest import nearest
from wann.utils.plain_text import has_control
from wann.utils.reading import shallow, shown

PAPER_WEIGHTS = (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0)
"""The fixed series of shared weights. Source: Gaier and Ha (2019), section 3.1."""

NUMBER_WEIGHTS = (0.1, 0.3, 0.5, 0.7, 0.9, 1.1)
"""Shared weights where numbers are predicted, found by trial: small sums, and no change of sign."""

OBJECTIVES = ("mean", "best", "worst", "robustness", "connections", "nodes", "depth")
"""Names of the objectives that networks can be ranked by; `wann.evolution.ranking.value_of` defines them."""

PAPER_OBJECTIVES = ("mean", "best", "connections")
"""Objectives of the paper, which ranks by two of them at a time."""

ActivationName = Literal[
    "linear", "step", "sin", "gaussian", "tanh", "sigmoid", "inverse", "abs", "relu", "cos"
]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Finite = Annotated[float, Field(allow_inf_nan=False)]

_DEEPEST_ARGUMENTS = 16  # tables and lists in each other

STOP_RULES = ("generations", "target_score", "max_seconds", "max_evaluations", "patience")
"""The settings that only end a run."""

CHANGEABLE = (*STOP_RULES, "checkpoint_seconds", "episode_seconds", "skip_episodes")
"""The settings that may change when a run is resumed."""


class Settings(BaseModel):
    """Everything that determines the results of a run; the numbers of threads and workers do not."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    # what is searched
    task: str = Field("swingup", description="name of the task, or a registered Gymnasium id")
    env_kwargs: dict[str, Any] = Field(
        default_factory=dict, description="arguments of the environment, for gymnasium.make"
    )
    stepping: Literal["compiled", "gymnasium", "pool"] = Field(
        "compiled",
        description="engine of the episodes: compiled (physics), gymnasium (the environment), pool (envpool)",
    )
    fresh_env: bool = Field(
        False,
        description="new instance of the environment for every episode, or not; set when a search starts",
    )
    preset: str = Field("stratified", description="preset that the settings started from")
    initial_genome: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of initial.json, the champion that the run started from; --init-from sets it",
    )
    seed: int = Field(1, ge=0, lt=2**63, description="seed of all random numbers of the run")

    # how long
    generations: int = Field(
        1024, ge=1, le=10**9, description="number of generations after which the run stops"
    )
    target_score: Finite | None = Field(
        None, description="confirmed mean return of the champion at which the run stops"
    )
    max_seconds: float | None = Field(
        None, gt=0, description="computing time after which the run stops, in seconds; resumed parts add up"
    )
    max_evaluations: int | None = Field(
        None, ge=1, description="number of evaluated networks after which the run stops"
    )
    patience: int | None = Field(
        None, ge=1, description="number of generations without a new champion after which the run stops"
    )

    # shared weights
    weight_sampling: Literal["fixed", "uniform", "normal", "stratified"] = Field(
        "stratified",
        description="source of the shared weights: the fixed series, or values drawn anew each generation",
    )
    weights: Annotated[tuple[Finite, ...], Field(min_length=1, max_length=1000)] = Field(
        PAPER_WEIGHTS, description="shared weights of weight_sampling = fixed"
    )
    weight_count: int = Field(
        6, ge=1, le=1000, description="number of shared weights per generation when they are drawn"
    )
    weight_range: tuple[Finite, Finite] = Field(
        (-2.0, 2.0),
        description="range of uniform and stratified shared weights, and of those that confirm a champion",
    )
    weight_std: float = Field(
        1.0, gt=0, description="standard deviation of the shared weights of weight_sampling = normal"
    )
    weight_noise: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="standard deviation of the noise that each connection adds to the shared weight",
    )

    # episodes
    episodes: int = Field(3, ge=1, le=10_000, description="episodes per shared weight")
    own_episodes: bool = Field(
        False,
        description="whether each shared weight has episodes of its own in a generation; otherwise all have "
        "the same ones",
    )
    max_steps: int = Field(
        1000,
        ge=1,
        le=10**6,
        description="steps after which an episode is cut off; for a data set, samples per batch",
    )
    stop_without_reward: int | None = Field(
        None,
        ge=1,
        le=10**6,
        description="steps without a new highest return after which an episode of a generation is cut off; "
        "champions are confirmed on whole episodes",
    )
    confirm_episodes: int = Field(
        20, ge=1, le=10_000, description="fresh episodes per weight that confirm a new champion"
    )
    champion_rule: Literal["record", "duel"] = Field(
        "record",
        description="rule for a new champion: record (its confirmed mean is above the last one's), or duel "
        "(its mean is clearly better on the same fresh episodes at the same weights; then it is confirmed)",
    )

    # the population
    population: int = Field(192, ge=2, le=10**6, description="networks per generation")
    initial_connection_probability: Probability = Field(
        0.5, description="probability of each connection from an input to an output in the first generation"
    )
    activations: Annotated[tuple[ActivationName, ...], Field(min_length=1)] = Field(
        ("linear", "step", "sin", "gaussian", "tanh", "sigmoid", "inverse", "abs", "relu", "cos"),
        description="activation functions that hidden nodes may have",
    )
    output_activation: ActivationName = Field("linear", description="activation function of every output")

    # selection
    selection: Literal["tournament", "lexicase"] = Field(
        "tournament",
        description="choice of parents: tournament (best rank of tournament_size networks), or lexicase "
        "(near the best in one case after the other, in random order; a case is one weight and episode, or "
        "few connections)",
    )
    contender_ratio: float = Field(
        1.0,
        gt=0,
        le=1,
        description="share of the networks that is ranked by all objectives, the best by the first one; the "
        "rest is ranked by the first one alone, so that no network stays only because it is small",
    )
    objectives: Literal["paper"] | tuple[str, ...] = Field(
        "paper",
        description="objectives of the ranking: paper (mean, with best or connections by chance), or a list "
        f"of {', '.join(OBJECTIVES)}",
    )
    complexity_probability: Probability = Field(
        0.8,
        description="probability that a generation is ranked by (mean, connections), not (mean, best weight)",
    )
    cull_ratio: float = Field(
        0.2, ge=0, lt=1, description="share of the networks, the worst ones, that are no parents"
    )
    elite_ratio: Probability = Field(
        0.2, description="share of the networks, the best ones, that are copied unchanged"
    )
    tournament_size: int = Field(8, ge=1, le=10**6, description="networks in the tournament for each parent")

    # variation
    crossover_probability: Probability = Field(0.0, description="probability that a child has two parents")
    add_connection: float = Field(0.20, ge=0, description="share of the mutations that add a connection")
    insert_node: float = Field(0.25, ge=0, description="share of the mutations that insert a node")
    enable_connection: float = Field(
        0.05, ge=0, description="share of the mutations that switch a disabled connection on"
    )
    change_activation: float = Field(
        0.50, ge=0, description="share of the mutations that change a node's activation"
    )
    duplicate_node: float = Field(
        0.0, ge=0, description="share of the mutations that copy a hidden node with its connections"
    )
    delete_node: float = Field(
        0.0,
        ge=0,
        description="share of the mutations that remove a hidden node and all that feeds outputs only by it",
    )
    add_feature: float = Field(
        0.0,
        ge=0,
        description="share of the mutations that add a hidden node with 1 to 7 sources and 1 to 3 outputs",
    )
    disable_connection: float = Field(
        0.0,
        ge=0,
        description="share of the mutations that switch a connection off and remove all that feeds "
        "outputs only by it",
    )
    retries: int = Field(
        0,
        ge=0,
        le=1000,
        description="largest number of further mutations of a child that computes the same as another child",
    )

    # safety
    episode_seconds: float | None = Field(
        60.0,
        gt=0,
        description="seconds of processor time after which an episode that Python steps has failed, and its "
        "network with it; of the clock, where it stands still twice",
    )
    skip_episodes: tuple[Annotated[int, Field(ge=1)], ...] = Field(
        (),
        description="generations that play other episodes than the seed says, as the environment fails in "
        "those; to name one twice skips the next ones too",
    )
    checkpoint_seconds: float = Field(
        5.0, ge=0, description="seconds between checkpoints, at least; 0 writes one every generation"
    )

    @field_validator("task", "preset")
    @classmethod
    def _printable(cls, value: str) -> str:
        if has_control(value):
            raise ValueError("must hold no control character")
        return value

    @field_validator("activations")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError("lists a function twice")
        return value

    @field_validator("objectives", mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        if value == "paper":
            return value
        names = tuple(name.strip() for name in value.split(",")) if isinstance(value, str) else value
        if not isinstance(names, tuple) or not names:
            raise ValueError("must be 'paper' or a list of names")
        for name in names:
            if name not in OBJECTIVES:
                raise ValueError(f"there is no objective {shown(name)}; {nearest(str(name), OBJECTIVES)}")
        if len(set(names)) != len(names):
            raise ValueError("lists an objective twice")
        return names

    @field_validator("skip_episodes", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, int) and not isinstance(value, bool) else value

    @field_validator("weight_range")
    @classmethod
    def _ordered(cls, value: tuple[float, float]) -> tuple[float, float]:
        if not value[0] < value[1]:
            raise ValueError("needs the lower end before the upper one")
        return value

    @model_validator(mode="after")
    def _some_mutation(self) -> Settings:
        if sum(self.mutation_shares) <= 0:
            raise ValueError(
                "add_connection, insert_node, enable_connection, change_activation, duplicate_node, "
                "delete_node, add_feature and disable_connection are all 0; at least one must be positive"
            )
        return self

    @model_validator(mode="after")
    def _used(self) -> Settings:
        for name, reason in _idle(self.model_dump()).items():
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"{name} is not used where {reason}: leave it out")
        return self

    @field_validator("env_kwargs")
    @classmethod
    def _toml_values(cls, value: dict[str, Any]) -> dict[str, Any]:
        shallow(value, _DEEPEST_ARGUMENTS)
        try:
            # As TOML in the run folder, as JSON in champion files.
            same = (
                tomllib.loads(tomli_w.dumps(value)) == value == json.loads(json.dumps(value, allow_nan=False))
            )
        except (TypeError, ValueError, RecursionError):
            same = False
        if not same:
            raise ValueError("must hold plain words, numbers, lists and tables only")
        return value

    @property
    def mutation_shares(self) -> tuple[float, ...]:
        """Shares of the mutations in the order of `wann.evolution.variation.KINDS`."""
        return (
            *(self.add_connection, self.insert_node, self.enable_connection, self.change_activation),
            *(self.duplicate_node, self.delete_node, self.add_feature, self.disable_connection),
        )

    @property
    def named_objectives(self) -> tuple[str, ...]:
        """Names of all the objectives that the search has; they define its Pareto front."""
        return PAPER_OBJECTIVES if self.objectives == "paper" else self.objectives


def _idle(values: Mapping[str, Any]) -> dict[str, str]:
    """Names of the settings that have no effect beside the others, and the reason for each."""
    sampling = values.get("weight_sampling", Settings.model_fields["weight_sampling"].default)
    idle = {
        "fixed": ("weight_count", "weight_std"),
        "uniform": ("weights", "weight_std"),
        "stratified": ("weights", "weight_std"),
        "normal": ("weights",),
    }.get(sampling if isinstance(sampling, str) else "", ())
    found = dict.fromkeys(idle, f"weight_sampling is {sampling!r}")
    if values.get("selection") == "lexicase":
        found |= dict.fromkeys(("cull_ratio", "tournament_size"), "selection is 'lexicase'")
    if values.get("objectives", "paper") != "paper":
        found["complexity_probability"] = "objectives are named"
    return found


def unused_names(settings: Settings) -> dict[str, str]:
    """Names of the settings that have no effect beside the others, and the reason for each."""
    return _idle(settings.model_dump())


def settings_names() -> tuple[str, ...]:
    """Names of all settings, in their documented order."""
    return tuple(Settings.model_fields)


def build_settings(*layers: Mapping[str, Any]) -> Settings:
    """Settings from layers of values, later ones overriding earlier ones.

    Settings of earlier layers that have no effect beside the last layer are left out: a preset's
    `weight_count`, for instance, if the user asks for fixed weights.

    Raises:
        ValueError: an unknown name, or a value of the wrong type or out of range, in one line.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        merged.update(layer)
    _check_names(merged)
    for name in set(_idle(merged)) & set(merged) - set(layers[-1] if layers else ()):
        del merged[name]
    plain = {name: _tuples(value) for name, value in merged.items()}
    try:
        return Settings(**plain)
    except ValidationError as error:
        raise ValueError(_one_line(error)) from None


def check_values(values: Mapping[str, Any]) -> None:
    """Check the name and the value of each setting by itself.

    Raises:
        ValueError: a name is unknown, or a value of the wrong type or out of range, in one line.
    """
    _check_names(values)
    try:
        Settings(**{name: _tuples(value) for name, value in values.items()})
    except ValidationError as error:
        if error.errors()[0]["loc"]:  # others are about several settings together
            raise ValueError(_one_line(error)) from None


def with_changes(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """The same settings with some replaced, checked again.

    Raises:
        ValueError: as `build_settings`.
    """
    return build_settings(settings.model_dump(), changes)


def changed_names(old: Settings, new: Settings) -> tuple[str, ...]:
    """Names of the settings in which two differ."""
    return tuple(name for name in settings_names() if getattr(old, name) != getattr(new, name))


def to_toml(settings: Settings) -> str:
    """The resolved settings as TOML; settings that are None are left out."""
    values = {name: value for name, value in settings.model_dump().items() if value is not None}
    return tomli_w.dumps({name: _lists(value) for name, value in values.items()})


def from_toml(text: str) -> Settings:
    """Settings written by `to_toml`.

    Raises:
        ValueError: the text is not TOML, or as `build_settings`.
    """
    try:
        return build_settings(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"not TOML: {error}") from None


def _check_names(values: Mapping[str, Any]) -> None:
    for name in values:
        if name not in Settings.model_fields:
            raise ValueError(f"unknown setting {shown(name)}; {nearest(name, Settings.model_fields)}")


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _lists(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    if not name:
        return message
    message = message[0].lower() + message[1:].replace("valid tuple", "list such as [1, 2]")
    got = "" if message.endswith("?") else f", got {shown(first['input'])}"
    return f"setting {shown(name)}: {message}{got}"
