#!/usr/bin/env bash
# Counts the instructions of what a request is made of, under valgrind, and fails where one is more than 3 % above
# what instructions.txt says. `--write` writes that file instead.
#
# Counts belong to a compiler: where another one is at work than wrote the file, they are shown and nothing fails.
set -euo pipefail
cd "$(dirname "$0")/.."
known=bench/instructions.txt
times=100 # as in instructions.rs

# Optimised, but not at link time as what ships is: that would take twenty minutes.
binary=$(cargo build --locked --release --bench instructions --message-format json |
  sed -n 's/.*"name":"instructions".*"executable":"\([^"]*\)".*/\1/p')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A dump at the end of every counted function; the second one of each counts, when all is warm.
valgrind --tool=callgrind --callgrind-out-file="$work/out" \
  --toggle-collect='instructions::counted::*' --dump-after='instructions::counted::*' \
  "$binary" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
counts() {
  # Dumps are numbered in the order they were made.
  find "$work" -name 'out.*' | sort -t . -k 3 -n | xargs awk -v times="$times" '
    /^desc: Trigger:/ { name = $0; sub(/.*counted::/, "", name); sub(/[^a-z0-9_].*/, "", name) }
    /^totals:/ && name { count[name] = $2 / times; if (!(name in at)) { at[name] = ++n; order[n] = name }; name = "" }
    END { for (i = 1; i <= n; i++) printf "%-32s %10.0f\n", order[i], count[order[i]] }'
}
compiler=$(rustc -V)
counts >"$work/counts"
[ "$(wc -l <"$work/counts")" -eq 11 ] || { echo "not everything was counted" >&2; cat "$work/counts" >&2; exit 1; }

if [ "${1-}" = --write ]; then
  { echo "# Instructions for one of each: bench/instructions.sh --write"; echo "# $compiler"; cat "$work/counts"; } >$known
  cat $known
  exit
fi
awk '
  NR == FNR { if (!/^#/) before[$1] = $2; next }
  {
    change = ($1 in before) ? ($2 / before[$1] - 1) * 100 : 0
    printf "%-32s %10d  %+6.1f %%%s\n", $1, $2, change, change > 3 ? "  more than 3 % worse" : ""
    worse = worse || change > 3
  }
  END { exit worse }' $known "$work/counts" && exit
if ! grep -qF "# $compiler" $known; then
  echo "another compiler wrote $known; with $compiler, write it anew: bench/instructions.sh --write"
  exit
fi
echo "instructions: worse than $known. If it has to be, write it anew: bench/instructions.sh --write" >&2
exit 1
