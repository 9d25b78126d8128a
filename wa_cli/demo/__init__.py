"""A sample shop: thirty days of history, and a live story."""
