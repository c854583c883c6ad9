"""What each command does. Here and in lmbench/cli.py alone is printed."""

DONE, FAILED = 0, 1
