#!/usr/bin/env bash
# How long `sluse diff --replay` takes over a million lines (or as many as it is told): those of access.log, again
# and again, against the policy of Cura and one that is stricter.
set -euo pipefail
cd "$(dirname "$0")/.."
lines=${1-1000000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk -v want="$lines" '{ line[NR - 1] = $0 } END { for (n = 0; n < want; n++) print line[n % NR] }' \
  bench/access.log >"$work/access.log"
sed -e 's/fresh: 5m/fresh: 2m/' -e 's/^    expect: allow prescribe$/    expect: step_up/' policies/cura.yaml >"$work/cura.yaml"

cargo build --locked --release
time "${CARGO_TARGET_DIR:-target}/release/sluse" diff --config deploy/sluse.yaml policies/cura.yaml "$work/cura.yaml" --replay "$work/access.log"
