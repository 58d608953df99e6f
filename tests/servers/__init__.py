"""Real servers for tests.

`python -m tests.servers -- COMMAND` runs a command with a PostgreSQL and a Valkey of its own around it. A test that kills or
stalls something starts its own: `private_postgres()`, `private_valkey()` (tests.servers.embedded), `running_shop()`
(tests.servers.shop).
"""
