"""Names and settings for well-known environments that are stepped as they are, and for walkers and landers.

The order of inputs and outputs was read from Gymnasium's documentation and, where that says nothing (the
legs of the lander) or something else (the parts of a contact force), from the environment itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wann.tasks.presets import LEXICASE_NOTE, OWN_EPISODES_NOTE, lexicase
from wann.tasks.task import Goal

Presets = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Known:
    """Names, presets and goal of an environment."""

    summary: str  # one line
    inputs: tuple[str, ...]  # names of the observation's entries; empty where they come from the space
    outputs: tuple[str, ...]  # names of the action's entries; empty where they come from the space
    presets: Presets  # settings by preset name
    preset_notes: Mapping[str, str]  # one line for each preset
    default_preset: str = "lexicase"
    goal: Goal | None = None  # what a champion is said to do
    fresh_env: bool = False  # it keeps hidden state: a seed gives the same episode on a fresh instance only


# Source: Gaier and Ha (2019) and its reference implementation, the settings shared by all runs.
_SHARED = {
    "complexity_probability": 0.8,
    "cull_ratio": 0.2,
    "elite_ratio": 0.2,
    "confirm_episodes": 20,
}

# The published settings of the swing-up, the only ones that fit tasks of any kind.
_ANY = {
    **_SHARED,
    "population": 192,
    "generations": 1024,
    "episodes": 3,
    "initial_connection_probability": 0.5,
    "tournament_size": 8,
}

# The published settings of the biped.
_BIPED = {
    **_SHARED,
    "population": 480,
    "generations": 2048,
    "episodes": 4,
    "initial_connection_probability": 0.25,
    "tournament_size": 16,
}

# The published laptop settings of the swing-up, shorter: here a generation takes seconds to minutes.
_LAPTOP = {
    "population": 64,
    "generations": 256,
    "elite_ratio": 0.05,
    "tournament_size": 4,
    "confirm_episodes": 8,
}


def _presets(settings: Mapping[str, Any], laptop_episodes: int, **more: Any) -> Presets:
    """Presets of a task from its published settings, the episodes of `laptop`, and more for `lexicase`."""
    return {
        "lexicase": {**lexicase(settings), **more},
        "stratified": {**settings, "weight_sampling": "stratified"},
        "paper": {**settings, "weight_sampling": "fixed"},
        "laptop": {
            **settings,
            **_LAPTOP,
            "weight_sampling": "stratified",
            "episodes": laptop_episodes,
        },
    }


def _notes(paper: str) -> Mapping[str, str]:
    return {
        "lexicase": LEXICASE_NOTE,
        "stratified": "as paper, but six stratified weights drawn afresh each generation",
        "paper": f"{paper}, six fixed weights",
        "laptop": "64 networks for 256 generations on two or three episodes, six stratified weights",
    }


_SWINGUP_NOTES = _notes("the published settings of the swing-up")
_BIPED_NOTES = _notes("the published settings of the biped")

GENERIC = Known(
    summary="",
    inputs=(),
    outputs=(),
    presets=_presets(_ANY, 3),
    preset_notes=_SWINGUP_NOTES,
)
"""Presets of every other environment; its `max_steps` is the limit of the environment."""


def walker(summary: str, max_steps: int) -> Known:
    """Facts about a walker with this limit on steps."""
    leg = ("hip {} angle", "hip {} speed", "knee {} angle", "knee {} speed", "leg {} contact")
    return Known(
        summary=summary,
        inputs=(
            *("hull angle", "hull angular velocity", "x velocity", "y velocity"),
            *(name.format(number) for number in (1, 2) for name in leg),
            *(f"lidar {ray}" for ray in range(10)),
        ),
        outputs=("hip 1 speed", "knee 1 speed", "hip 2 speed", "knee 2 speed"),
        # Small generations, as most is learnt from one to the next; see `experiments/box2d`.
        presets=_presets(
            {**_BIPED, "max_steps": max_steps},
            2,
            population=480,
            generations=3072,
            own_episodes=True,
            stop_without_reward=200,
        ),
        preset_notes={
            **_BIPED_NOTES,
            "lexicase": f"{OWN_EPISODES_NOTE}; an episode ends after 200 steps without reward",
        },
        fresh_env=True,
    )


def lander(summary: str, outputs: tuple[str, ...]) -> Known:
    """Facts about a lander with these outputs."""
    return Known(
        summary=summary,
        inputs=(
            *("x", "y", "x velocity", "y velocity", "angle", "angular velocity"),
            # The first leg starts on the right of the lander.
            *("right leg contact", "left leg contact"),
        ),
        outputs=outputs,
        # A network that is tried on one start alone learns that start.
        presets=_presets({**_ANY, "max_steps": 1000}, 3, own_episodes=True),
        preset_notes={**_SWINGUP_NOTES, "lexicase": OWN_EPISODES_NOTE},
        # Source: Gymnasium's documentation, which counts an episode of 200 points as a solution.
        goal=Goal(words="it lands (a return of 200 or more) from {reached} of {starts} starts", least=200.0),
    )


_CHEETAH_JOINTS = tuple(f"{end} {part}" for end in ("back", "front") for part in ("thigh", "shin", "foot"))

_ANT_LEGS = ("front left", "front right", "back left", "back right")
_ANT_JOINTS = tuple(f"{leg} {joint}" for leg in _ANT_LEGS for joint in ("hip", "ankle"))
_ANT_BODIES = ("torso", *(f"{leg} {part}" for leg in _ANT_LEGS for part in ("leg", "upper", "lower")))
# MuJoCo's order, torque first: for an ant that stands still, only the last of the six adds up to its weight.
_CONTACT = tuple(f"{kind} {axis}" for kind in ("torque", "force") for axis in "xyz")

KNOWN: Mapping[str, Known] = {
    "BipedalWalkerHardcore-v3": walker("walk over ladders, stumps and pitfalls", 2000),
    "HalfCheetah-v5": Known(
        summary="run to the right with a two-legged cheetah in a plane",
        inputs=(
            *("height", "pitch"),
            *(f"{joint} angle" for joint in _CHEETAH_JOINTS),
            *("x velocity", "z velocity", "pitch velocity"),
            *(f"{joint} velocity" for joint in _CHEETAH_JOINTS),
        ),
        outputs=tuple(f"{joint} torque" for joint in _CHEETAH_JOINTS),
        presets=_presets({**_BIPED, "max_steps": 1000}, 2),
        preset_notes=_BIPED_NOTES,
    ),
    "Ant-v5": Known(
        summary="run to the right with a four-legged ant",
        inputs=(
            "height",
            *(f"orientation {part}" for part in "wxyz"),
            *(f"{joint} angle" for joint in _ANT_JOINTS),
            *(f"{axis} velocity" for axis in "xyz"),
            *(f"{axis} angular velocity" for axis in "xyz"),
            *(f"{joint} velocity" for joint in _ANT_JOINTS),
            *(f"{body} contact {part}" for body in _ANT_BODIES for part in _CONTACT),
        ),
        # The motors begin with the last leg.
        outputs=tuple(f"{joint} torque" for joint in _ANT_JOINTS[6:] + _ANT_JOINTS[:6]),
        presets=_presets({**_BIPED, "max_steps": 1000}, 2),
        preset_notes=_BIPED_NOTES,
    ),
}
"""Environments by their id. Arguments may change the spaces: names hold where there are as many of them."""
