#!/bin/sh
# Run a command with nothing in its environment but the example that deployments start from.
set -eu
exec env -i PATH="$PATH" HOME="${HOME:-/}" sh -c 'set -a; . "$0"; exec "$@"' ./deploy/production.env.example "$@"
