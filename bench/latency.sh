#!/usr/bin/env bash
# What a person waits: the p99 of a proxied request, signed in, at 70 % of what a bare pingora proxy bears on the same
# core, through that one and through `sluse serve`. Requests come at a steady rate, whether or not those before were
# answered, and their time counts from when they were due. Slices alternate as in proxy.sh. Loopback only. Needs curl,
# taskset and two cores.
#
#   bench/latency.sh [--load PERCENT] [--pairs N] [--seconds N] [--profile PROFILE] [--port FIRST] [--format human|json]
set -euo pipefail
cd "$(dirname "$0")/.."
source bench/lib.sh

percent=70
while (($#)); do
  (($# > 1)) || die "$1 wants a value"
  case $1 in
    --load) between "$1" "$2" 1 99; percent=$2 ;;
    *) option "$1" "$2" || die "there is no option $1" ;;
  esac
  shift 2
done
need curl taskset setsid
build bare-proxy signed-in open-loop

free_port
upstream=127.0.0.1:$port
free_port
addresses[bare]=127.0.0.1:$port
start $proxy_core "$built/examples/bare-proxy" "${addresses[bare]}" "$upstream"
declare -A log=([sluse]=info [quiet]=warn)
for one in sluse quiet; do
  installation $one
  addresses[$one]=$address
  SLUSE_LOG=${log[$one]} start $proxy_core "$built/sluse" serve --config "$work/$one.yaml"
done
cookie=$("$built/examples/signed-in" "$work/sluse.yaml" "$host" care-staff)

# The client, which is the upstream, too.
mkfifo "$work/ask" "$work/told"
setsid taskset -c $load_core "$built/examples/open-loop" "$upstream" "$host" $path "theme=dark; $cookie" \
  <"$work/ask" >"$work/told" &
started+=($!)
exec {to_client}>"$work/ask" {from_client}<"$work/told"
await upstream "$upstream"
for one in bare sluse quiet; do
  cookies[$one]=$cookie
  await $one "${addresses[$one]}"
  check_signed_in $one
done
for one in sluse quiet; do check_stranger $one; done

ask_for() { # CONTENDER RATE SECONDS: its p99 in µs, and how many were answered a second
  local told
  echo "${addresses[$1]} $2 $3" >&"$to_client"
  read -r -t $(($3 + 60)) told <&"$from_client" || die "$1 failed under load"
  echo "$told"
}
# What a core bears changes from one moment to the next where it is a share of another: it is measured for each pair.
slice() { # CONTENDER SECONDS
  local most
  if [[ $1 == bare ]]; then
    read -r _ most < <(ask_for bare 0 1)
    rate=$((most * percent / 100))
  fi
  ask_for "$1" "$rate" "$2"
}
measure bare sluse quiet
unit='p99 µs' heading "$percent % of what the bare proxy bears, in an open loop" bare
row bare bare bare
row bare sluse sluse
row bare quiet 'sluse, log off'
