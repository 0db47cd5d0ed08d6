#!/usr/bin/env bash
# Counts the instructions of what a request is made of, under valgrind, and fails where one is more than 3 % above
# what instructions.txt says. `--write` writes that file instead.
#
# Counts belong to a compiler, and to what the processor can do at once: where others are at work than wrote the
# file, they are shown and nothing fails.
set -euo pipefail
cd "$(dirname "$0")/.."
known=bench/instructions.txt
times=100 # as in instructions.rs

# Optimised, but not at link time as what ships is: that would take twenty minutes.
binary=$(cargo build --locked --profile counted --bench instructions --message-format json |
  sed -n 's/.*"name":"instructions".*"executable":"\([^"]*\)".*/\1/p')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Counted between entering and leaving such a function, and for all that it calls. A thread's heap stays empty but for
# what that thread asks for: it must not take over what one before has left.
MIMALLOC_MAX_SEGMENT_RECLAIM=0 \
  valgrind --tool=callgrind --callgrind-out-file="$work/out" --toggle-collect='instructions::counted::*' \
  "$binary" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; exit 1; }
callgrind_annotate --inclusive=yes --threshold=100 "$work/out" |
  sed -n 's/^ *\([0-9,]*\) .*instructions::counted::\([a-z0-9_]*\) .*/\2 \1/p' | tr -d , | sort |
  awk -v calls="$times" '{ printf "%-32s %10.0f\n", $1, $2 / calls }' >"$work/counts"
made_by="$(rustc -V), $(uname -m) $(grep -om1 avx2 /proc/cpuinfo || echo without avx2)"
[ "$(wc -l <"$work/counts")" -eq 15 ] || { echo "not everything was counted" >&2; cat "$work/counts" >&2; exit 1; }

if [ "${1-}" = --write ]; then
  { echo "# Instructions for one of each: bench/instructions.sh --write"; echo "# $made_by"; cat "$work/counts"; } >$known
  cat $known
  exit
fi
awk '
  NR == FNR { if (!/^#/) before[$1] = $2; next }
  {
    change = ($1 in before) ? ($2 / before[$1] - 1) * 100 : 0
    dearer = (change > 3)
    printf("%-32s %10d  %+6.1f %%%s\n", $1, $2, change, dearer ? "  more than 3 % worse" : "")
    worse = worse || dearer
  }
  END { exit worse }' $known "$work/counts" && exit
if ! grep -qF "# $made_by" $known; then
  echo "another compiler, or processor, wrote $known; with $made_by, write it anew: bench/instructions.sh --write"
  exit
fi
echo "instructions: worse than $known. If it has to be, write it anew: bench/instructions.sh --write" >&2
exit 1
