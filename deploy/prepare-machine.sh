#!/usr/bin/env bash
# Install, from Debian's or Ubuntu's packages, what `make check` and `make test` use beyond Python: a browser, a JDK with Maven,
# promtool, debootstrap; and, built with Go, Stripe's mock of its API and Toxiproxy. Run as root (or with sudo at hand). Does nothing
# where all of it is there; `make run` needs none of it, `make run SEARCH=elasticsearch` the JDK and Maven.
set -euo pipefail

STRIPE_MOCK=v0.203.0 # what tests/payments/test_stripe_contract.py asks
TOXIPROXY=v2.7.0 # later ones do not build with Debian 12's Go 1.19
PATH=$PATH:/usr/local/go/bin # where Go's own archive puts it

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
to_build=()
for program in stripe-mock toxiproxy-server; do
    command -v "$program" >/dev/null 2>&1 || to_build+=("$program")
done
if [ ${#to_build[@]} -gt 0 ] && ! command -v go >/dev/null 2>&1; then
    missing+=(golang-go ca-certificates)
fi
root=()
[ "$(id -u)" -eq 0 ] || root=(sudo)

# build PROGRAM PACKAGE VERSION. Debian 12's Go 1.19 refuses to install stripe-mock by name, since its go.mod speaks of a later Go; as
# what another module needs it builds.
build() (
    echo "Building $1 $3 ..."
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    export GOPATH="$folder/go" GOCACHE="$folder/cache" GOFLAGS=-modcacherw
    cd "$folder"
    go mod init tools
    go get "$2@$3"
    go build -o "$1" "$2"
    "${root[@]}" install -m 755 "$1" "/usr/local/bin/$1"
)

finish() {
    for program in "${to_build[@]}"; do
        case $program in
            stripe-mock) build stripe-mock github.com/stripe/stripe-mock "$STRIPE_MOCK" ;;
            toxiproxy-server) build toxiproxy-server github.com/Shopify/toxiproxy/v2/cmd/server "$TOXIPROXY" ;;
        esac
    done
    echo "The machine has everything."
}

if [ ${#missing[@]} -eq 0 ]; then
    finish
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "Install these, with the names your system has for them: ${missing[*]}" >&2
    exit 1
fi
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
finish
