"""Search for a recipe's options: many trials on a space of them, with Optuna, each a run folder."""
