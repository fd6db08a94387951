"""Tasks with compiled physics: the project's own Gymnasium environment, and environments of Gymnasium's.

Importing this package registers the first: `import wann_envs; gymnasium.make("wann/CartPoleSwingUp-v0")`.
"""

from gymnasium.envs.registration import register

SWINGUP_ID = "wann/CartPoleSwingUp-v0"

register(
    SWINGUP_ID,
    entry_point="wann_envs.cartpole_swingup:CartPoleSwingUpEnv",
    max_episode_steps=1000,
)
