"""Scores of a network on held-out data: one file a kind of task, and the pictures that belong to them."""
