"""A believable shop: thirty days of sample history, and a story that is lived through."""
