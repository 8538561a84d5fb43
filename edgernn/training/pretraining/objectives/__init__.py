"""What can be learned without labels: one file an objective."""
