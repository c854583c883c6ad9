"""Benchmarks as data, the runner that turns their rows into facts, and the facts."""
