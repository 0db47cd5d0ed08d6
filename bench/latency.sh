#!/usr/bin/env bash
# How long a signed-in request takes at a steady rate: through `sluse serve` and through the bare pingora proxy, by
# turns, asked by the same client. The rate is a share of what the gateway was just seen to answer at most, and a time
# counts from when its request was due. Loopback only. Needs wrk, nginx, curl, taskset and two cores.
#
#   bench/latency.sh [--share PERCENT] [--pairs N] [--seconds N] [--profile PROFILE] [--port FIRST]
set -euo pipefail
cd "$(dirname "$0")/.."
source bench/lib.sh

share=70
while (($#)); do
  (($# > 1)) || die "$1 wants a value"
  case $1 in
    --share) between "$@" 1 99; share=$2 ;;
    *) option "$1" "$2" || die "there is no option $1" ;;
  esac
  shift 2
done
need wrk nginx curl taskset setsid
build bare-proxy signed-in
start_upstream

free_port
addresses[bare]=127.0.0.1:$port
start $proxy_core "$built/examples/bare-proxy" "${addresses[bare]}" "$upstream"
installation sluse
addresses[sluse]=$address
start $proxy_core "$built/sluse" serve --config "$work/sluse.yaml"
for one in bare sluse; do await $one "${addresses[$one]}"; done
cookies[sluse]=$("$built/examples/signed-in" "$work/sluse.yaml" "$host" care-staff)
check_signed_in sluse
most=$(($(requests sluse "$seconds") / seconds))
rate=$((most * share / 100))

people=$work/people
"$built/sluse" bench prepare --config "$work/sluse.yaml" --people 16 --group care-staff --out "$people" >&2
for ((pair = 1; pair <= pairs; pair++)); do
  taskset -c $load_core "$built/sluse" bench proxy --config "$work/sluse.yaml" --people "$people" \
    --app "http://$host:${address#*:}$path" --upstream "http://${addresses[bare]}$path" \
    --turns 1 --rate $rate --warm-up 1 --seconds "$seconds" --format json 2>/dev/null
  echo "pair $pair of $pairs" >&2
done >"$work/answers"

p99() { # through|direct: ms, a line a pair
  sed -E "s/.*\"$1\":\{[^}]*\"p99_us\":([0-9.]+).*/\1/" "$work/answers" | awk '{ print $1 / 1000 }'
}
told() { awk '{ printf "%.2f (%.2f–%.2f)\n", $1, $2, $3 }'; }
echo "profile $profile, $pairs pairs of $seconds s at $rate a second, $share % of $most; load average $(cut -d ' ' -f 1-3 /proc/loadavg)"
echo "p99 through the bare proxy, ms:  $(p99 direct | spread | told)"
echo "p99 through Sluse, ms:           $(p99 through | spread | told)"
echo "the one by the other:            $(paste <(p99 through) <(p99 direct) | awk '{ print $1 / $2 }' | spread | told)"
