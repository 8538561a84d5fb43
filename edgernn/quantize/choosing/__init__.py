"""The smallest file inside a budget: sensitivity layer by layer, the search, and its report."""
