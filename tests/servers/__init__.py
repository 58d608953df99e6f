"""Real servers for tests. `python -m tests.servers -- COMMAND` runs a command with PostgreSQL and Valkey of its own around it."""
