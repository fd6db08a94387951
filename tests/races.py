"""Values of a small race."""

TINY = {"population": 12, "generations": 8, "max_steps": 60, "confirm_episodes": 4, "episodes": 2, "seed": 1}
PLAN = {"budget": 256, "population": 8, "episodes": 4, "max_steps": 60, "seed": 2}
OPTIONS = ["--budget=256", "--population=8", "--episodes=4", "--max-steps=60", "--seed=2"]
