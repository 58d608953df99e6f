"""Real servers for tests.

`python -m tests.servers -- COMMAND` runs a command with a PostgreSQL and a Valkey of its own around it. A test that kills or
stalls something starts its own: `private_postgres()`, `private_valkey()` (tests.servers.embedded), `private_kafka()`,
`private_elasticsearch()`, `running_shop()` (tests.servers.shop). `running_toxiproxy()` troubles the way to any.
"""
