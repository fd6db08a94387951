#!/usr/bin/env bash
# Builds the image without a Docker engine, and runs a head and two workers from it on this machine.
#
#   docker/test_image.sh
#
# Needs root, buildah and debootstrap; takes some minutes and 6 GB of disk. WANN_DOCKER_BUILD names the folder
# for everything it makes (default: build/docker); the base in it is made once. The nodes listen on this machine
# alone, at addresses of the loopback range, behind a token made for the occasion, and all that was started is
# stopped at the end, whatever the end.
set -euo pipefail
cd "$(dirname "$0")/.."

BUILD=${WANN_DOCKER_BUILD:-build/docker}
SUITE=bookworm
IMAGE=localhost/wann:test
BASE=localhost/wann-base:$SUITE
LARGEST_MB=1100 # the image without its base
HEAD=127.0.0.2 WORKERS=(127.0.0.3 127.0.0.4)
MARK=WANN_TEST_IMAGE=$$-$EPOCHSECONDS # in the environment of every process started here

step() { printf '\n== %s\n' "$*"; }
fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

for tool in buildah debootstrap; do
    command -v "$tool" >/dev/null || fail "$tool is missing: apt-get install $tool"
done
[ "$(id -u)" = 0 ] || fail "must run as root, since the image is unpacked with its owners: sudo $0"

mkdir -p "$BUILD"
BUILD=$(cd "$BUILD" && pwd)
WORK=$(mktemp -d "$BUILD/work.XXXXXX")
containers=()

build() { nice -n 10 buildah --root "$BUILD/storage" --runroot "$BUILD/run" --storage-driver vfs "$@"; }

# Runs a command in a container, as the image's user and with the image's environment.
inside() {
    local container=$1
    shift
    build run --isolation chroot --env "$MARK" --env RAY_AUTH_TOKEN_PATH=/run/secrets/ray-token \
        --volume "$WORK/token:/run/secrets/ray-token:ro" "$container" -- "$@"
}

ours() { grep -lsz -- "^$MARK\$" /proc/[0-9]*/environ | cut -d/ -f3; }

clean_up() {
    local code=$? signal
    trap - EXIT INT TERM
    for signal in TERM KILL; do
        for _ in 1 2 3 4 5; do
            [ -n "$(ours)" ] || break
            ours | xargs -r kill "-$signal" 2>/dev/null || true
            sleep 1
        done
    done
    if [ "$code" != 0 ]; then
        for log in "$WORK"/*.log; do
            [ -s "$log" ] && printf -- '-- end of %s\n' "${log##*/}" && tail -n 15 "$log"
        done
    fi
    [ "${#containers[@]}" = 0 ] || build rm "${containers[@]}" >/dev/null
    rm -rf "$WORK"
    exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step "Base: Debian $SUITE with Python"
if [ ! -e "$BUILD/base/.made" ]; then
    rm -rf "$BUILD/base"
    nice -n 10 debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv \
        "$SUITE" "$BUILD/base" >"$WORK/debootstrap.log"
    rm -rf "$BUILD"/base/var/cache/apt/archives/*.deb "$BUILD"/base/var/lib/apt/lists/*
    # The build reaches the package index as this machine does.
    cp /etc/ssl/certs/ca-certificates.crt "$BUILD/base/etc/ssl/certs/"
    if [ -e /etc/pip.conf ]; then cp /etc/pip.conf "$BUILD/base/etc/"; fi
    touch "$BUILD/base/.made"
    build rmi "$BASE" >/dev/null 2>&1 || true
fi
if ! build inspect --type image "$BASE" >/dev/null 2>&1; then
    scratch=$(build from scratch)
    build add --quiet "$scratch" "$BUILD/base" / >/dev/null
    build commit --quiet --rm "$scratch" "$BASE" >/dev/null
fi

step "Image"
SECONDS=0
build build --isolation chroot --format docker --build-arg "BASE=$BASE" --file docker/Dockerfile \
    --tag "$IMAGE" . >"$WORK/image.log" 2>&1 || fail "the image does not build"
build rmi --prune >/dev/null
echo "built in $SECONDS s"

for _ in head worker worker; do containers+=("$(build from "$IMAGE")"); done
head=${containers[0]}
root=$(build mount "$head")
size=$(($(du -sm "$root" | cut -f1) - $(du -sm "$BUILD/base" | cut -f1)))
build umount "$head" >/dev/null
echo "$size MB beyond its base"
[ "$size" -le "$LARGEST_MB" ] || fail "larger than $LARGEST_MB MB"

python3 -c 'import secrets; print(secrets.token_hex(32))' >"$WORK/token"
chmod 444 "$WORK/token" # the folder itself is closed to others

step "User, versions, health, compiled kernels"
inside "$head" sh -euc '
    [ "$(id -u)" = 1000 ] || { echo "runs as $(id)"; exit 1; }
    [ -w "$HOME" ] && [ -w runs ] && [ -w "$NUMBA_CACHE_DIR" ] || { echo "cannot write"; exit 1; }
    [ ! -w /opt/wann/bin ] || { echo "the program may be changed by its user"; exit 1; }
    for tool in cc gcc make pip; do
        ! command -v $tool || { echo "$tool was left in the image"; exit 1; }
    done
    bash -lc "command -v wann ray" # as KubeRay starts them
    wann --version
' || fail "the image is not as it should be"
health=$(build inspect --type image --format '{{.Docker.Config.Healthcheck.Test}}' "$IMAGE")
case $health in '[CMD '*) ;; *) fail "no health check: $health" ;; esac
health=${health#\[CMD } health=${health%\]}
# shellcheck disable=SC2086  # words of a command without spaces in them
inside "$head" $health >/dev/null || fail "the health check fails: $health"
inside "$head" python - <<'PYTHON' || fail "packages are not the pinned ones"
import importlib.metadata
import json
import pathlib
import sys

names = {d.metadata["Name"].lower().replace("_", "-"): d.version for d in importlib.metadata.distributions()}
for needed in ("ray", "aiohttp", "box2d", "gymnasium"):
    assert needed in names, f"{needed} is missing"
print(f"{len(names)} packages, ray {names['ray']}, Python {sys.version.split()[0]}")
pathlib.Path("installed.json").write_text(json.dumps(names))
PYTHON
inside "$head" cat installed.json >"$WORK/installed.json"
python3 - "$WORK/installed.json" constraints.txt docker/constraints.txt <<'PYTHON' || fail "packages are not the pinned ones"
import json
import sys

installed, *files = sys.argv[1:]
lines = (line.strip().partition("==") for file in files for line in open(file) if "==" in line and line[0] != "#")
pinned = {name.lower().replace("_", "-"): version for name, _, version in lines}
wrong = {n: v for n, v in json.load(open(installed)).items() if n != "wann" and pinned.get(n) != v}
sys.exit(f"installed, but not so in constraints: {wrong}" if wrong else 0)
PYTHON
compiled() { inside "$1" find /var/cache/wann -type f | sort | cksum; }
in_build=$(compiled "$head")
[ "$in_build" != "$(cksum </dev/null)" ] || fail "nothing was compiled in the build"
inside "$head" wann search swingup --set population=16 --set generations=2 --json
[ "$in_build" = "$(compiled "$head")" ] || fail "a search compiles what the build should have compiled"

step "A head and two workers, token on"
read -r gcs dashboard client agent_1 agent_2 agent_3 < <(
    python3 -c '
import socket
taken = [socket.socket() for _ in range(6)]
for one in taken:
    one.bind(("", 0))
print(*(one.getsockname()[1] for one in taken))'
)
# Nodes of one machine: each its own address and its own agent port, workers at ports nobody else has.
node() {
    local container=$1 name=$2 address=$3 agent=$4
    shift 4
    inside "$container" ray start --block --node-ip-address="$address" --dashboard-agent-listen-port="$agent" \
        --min-worker-port=0 --max-worker-port=0 --object-store-memory=100000000 "$@" >"$WORK/$name.log" 2>&1 &
}
answers() { # name, agent port
    for _ in $(seq 60); do
        if python3 -c "
import urllib.request
urllib.request.urlopen('http://127.0.0.1:$2/api/healthz', timeout=5)" 2>/dev/null; then
            echo "$1 is healthy"
            return
        fi
        sleep 1
    done
    fail "$1 does not answer at its health check"
}
node "$head" head "$HEAD" "$agent_1" --head --port="$gcs" --num-cpus=0 \
    --dashboard-host="$HEAD" --dashboard-port="$dashboard" --ray-client-server-port="$client"
answers head "$agent_1"
node "${containers[1]}" worker-1 "${WORKERS[0]}" "$agent_2" --address="$HEAD:$gcs" --num-cpus=1
node "${containers[2]}" worker-2 "${WORKERS[1]}" "$agent_3" --address="$HEAD:$gcs" --num-cpus=1
answers worker-1 "$agent_2"
answers worker-2 "$agent_3"

step "An actor on each worker"
inside "$head" python - "$HEAD:$gcs" "${WORKERS[@]}" <<'PYTHON' || fail "the nodes do not work together"
import sys

import ray

address, *workers = sys.argv[1:]
ray.init(address=address, logging_level="ERROR", log_to_driver=False)


@ray.remote(num_cpus=1)
class Evaluator:
    def where(self):
        import os
        import wann

        return ray.util.get_node_ip_address(), os.getuid(), wann.__version__


found = sorted(ray.get([one.where.remote() for one in [Evaluator.remote() for _ in workers]], timeout=60))
print(found)
assert [ip for ip, _, _ in found] == workers and {uid for _, uid, _ in found} == {1000}
assert ray.cluster_resources()["CPU"] == 2
PYTHON

step "Without the token nobody gets in"
status=$(python3 - "http://$HEAD:$dashboard/api/jobs/" <<'PYTHON'
import sys
import urllib.error
import urllib.request

try:
    print(urllib.request.urlopen(sys.argv[1], timeout=20).status)
except urllib.error.HTTPError as error:
    print(error.code)
PYTHON
)
echo "the job server answers $status"
[ "$status" = 401 ] || fail "the job server takes commands without a token"

step "A submitted job"
inside "$head" ray job submit --address "http://$HEAD:$dashboard" -- wann --version >"$WORK/job.log" 2>&1 \
    || fail "ray job submit does not end well"
grep "wann, version" "$WORK/job.log" || fail "ray job submit does not run wann"

step "A search over the workers"
search=(wann search LunarLander-v3 --no-compiled --seed 5 --set population=16 --set generations=3 --json)
spread=$(inside "$head" "${search[@]}" --address "$HEAD:$gcs" --workers 2 --out runs/spread)
echo "$spread"
alone=$(inside "$head" "${search[@]}" --out runs/alone)
python3 - "$spread" "$alone" <<'PYTHON' || fail "the search over the workers differs from the same search alone"
import json
import sys

spread, alone = map(json.loads, sys.argv[1:])
assert spread["generations"] == 3 and spread["champion"], spread
for key in ("generations", "evaluations", "steps", "confirmed_mean", "best_shared", "stopped_by"):
    assert spread[key] == alone[key], (key, spread[key], alone[key])
PYTHON
for container in "${containers[@]}"; do
    [ "$in_build" = "$(compiled "$container")" ] || fail "a node compiles what the build should have compiled"
done

step "Everything passed"
