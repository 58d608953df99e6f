"""Measurements: `make bench`. They print tables and assert nothing; each has a limit or a peer beside it, from the same run."""
