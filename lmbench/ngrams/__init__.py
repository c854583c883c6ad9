"""Counting: every n-gram of a text as sorted integer keys, and what smoothing makes of the counts."""
