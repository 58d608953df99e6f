#!/usr/bin/env bash
# Install, from Debian's or Ubuntu's packages, what `make check` and `make test` use beyond Python: a browser, a JDK with Maven,
# promtool, debootstrap. Run as root (or with sudo at hand). Does nothing where all of it is there; `make run` needs none of it.
set -euo pipefail

declare -A packages=(
    [make]=make
    [git]=git
    [java]=openjdk-17-jdk-headless
    [mvn]=maven
    [chromium]=chromium
    [promtool]=prometheus
    [debootstrap]=debootstrap
)
missing=()
for program in "${!packages[@]}"; do
    command -v "$program" >/dev/null 2>&1 || missing+=("${packages[$program]}")
done
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -eq 0 ]; then
    echo "The machine has everything."
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "Install these, with the names your system has for them: ${missing[*]}" >&2
    exit 1
fi
root=()
[ "$(id -u)" -eq 0 ] || root=(sudo)
# prometheus would start itself as a service; here only its promtool is wanted.
policy=/usr/sbin/policy-rc.d
made_policy=
if [ "$(id -u)" -eq 0 ] && [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
    made_policy=yes
fi
trap '[ -z "$made_policy" ] || rm -f "$policy"' EXIT
"${root[@]}" apt-get update -q
if ! apt-cache show openjdk-17-jdk-headless >/dev/null 2>&1; then # later Debians have a later one
    missing=("${missing[@]/openjdk-17-jdk-headless/default-jdk-headless}")
fi
echo "Installing ${missing[*]} ..."
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
echo "Done."
