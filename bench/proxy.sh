#!/usr/bin/env bash
# What Sluse adds to a request: the CPU time of one through a bare pingora proxy, and of the same one, signed
# in, through `sluse serve`. Slices of load alternate, and each of Sluse's is held against the two of the bare
# proxy on either side of it. Loopback only. Needs wrk, nginx, curl, taskset and two cores.
#
#   bench/proxy.sh [--pairs N] [--seconds N] [--profile PROFILE] [--port FIRST] [--format human|json]
set -euo pipefail
cd "$(dirname "$0")/.."
source bench/lib.sh

while (($#)); do
  (($# > 1)) || die "$1 wants a value"
  option "$1" "$2" || die "there is no option $1"
  shift 2
done
need wrk nginx curl taskset setsid
build bare-proxy signed-in
start_upstream

free_port
addresses[bare]=127.0.0.1:$port
start $proxy_core "$built/examples/bare-proxy" "${addresses[bare]}" "$upstream"
processes[bare]=$pid
declare -A log=([sluse]=info [quiet]=warn)
for one in sluse quiet; do
  installation $one
  addresses[$one]=$address
  SLUSE_LOG=${log[$one]} start $proxy_core "$built/sluse" serve --config "$work/$one.yaml"
  processes[$one]=$pid
done
cookie=$("$built/examples/signed-in" "$work/sluse.yaml" "$host" care-staff)

# The bytes are the same for all three.
for one in bare sluse quiet; do
  cookies[$one]=$cookie
  await $one "${addresses[$one]}"
  check_signed_in $one
done
for one in sluse quiet; do
  check_stranger $one
  [[ $(ask $one /who) == bench-* ]] || die "$one tells nobody's name"
done

measure bare sluse quiet
heading "$connections connections, 1 KiB" bare
row bare bare bare
row bare sluse sluse
row bare quiet 'sluse, log off'
