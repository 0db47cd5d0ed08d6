#!/usr/bin/env bash
# What growth does to a proxied, signed-in request, in CPU time of Sluse: a million live sessions beside a thousand, of
# which a thousand people ask in turn, and of the million also very many; many rules beside ten; one process on two cores
# beside two that share nothing, with a core each, and beside one on one core. Slices alternate as in proxy.sh. Loopback
# only. Needs wrk, nginx, curl, taskset, two cores, and a GiB each of memory and disk.
#
#   bench/growth.sh [--sessions N] [--pairs N] [--seconds N] [--profile PROFILE] [--port FIRST] [--format human|json]
set -euo pipefail
cd "$(dirname "$0")/.."
source bench/lib.sh

sessions=1000000
while (($#)); do
  (($# > 1)) || die "$1 wants a value"
  case $1 in
    --sessions) [[ $2 =~ ^[1-9][0-9]{3,6}$ ]] || die "--sessions is a number from 1000"; sessions=$2 ;;
    *) option "$1" "$2" || die "there is no option $1" ;;
  esac
  shift 2
done
need wrk nginx curl taskset setsid
build live-sessions signed-in
start_upstream

serve() { # NAME CORES: the installation that is there
  SLUSE_LOG=warn start "$2" "$built/sluse" serve --config "$work/$1.yaml"
  processes[$1]=$pid
}
ready() { # NAME: once it answers who is signed in
  local tries
  for ((tries = 0; tries < 600; tries++)); do
    if (: <"/dev/tcp/${addresses[$1]/://}") 2>/dev/null; then break; fi
    sleep 0.1
  done
  check_signed_in "$1"
  check_stranger "$1"
}
rule() { # NAME PATH
  printf '  - { name: %s, match: { path: %s }, require: { level: strong, groups: [care-staff] }, overlap: ok }\n' "$@"
}
app() { # FOLDER HOST RULES: a policy of so many, of which the last is the first that fits
  local number
  mkdir -p "$1"
  {
    printf 'version: 1\napp: %s\nhosts: [%s]\nupstream: http://%s\nrules:\n' "${2%%.*}" "$2" "$upstream"
    for ((number = 1; number < $3; number++)); do rule part-$number "/part-$number/*/journal"; done
    rule rest '/**'
  } >"$1/${2%%.*}.yaml"
}

# Sessions: each installation has a store of its own. wrk has cookies in turn: of a thousand people, and of a fifth of the
# million, which is as many as it can hold.
in_turn() { # NAME
  cat >"$work/$1.lua" <<END
local requests, at = {}, 0
for cookie in io.lines("$work/$1.cookies") do
  requests[#requests + 1] = wrk.format("GET", "$path", { Host = "$host", Cookie = "theme=dark; " .. cookie })
end
request = function() at = at % #requests + 1; return requests[at] end
END
  cookies[$1]=$(head -n 1 "$work/$1.cookies")
}
for name in few many; do
  count=1000
  [[ $name == few ]] || count=$sessions
  installation $name
  sed -i "s|sluse.db|$name.db|" "$work/$name.yaml"
  echo 'sessions: { preload: true }' >>"$work/$name.yaml"
  "$built/examples/live-sessions" into "$work/$name.yaml" "$host" "$count" >"$work/all"
  head -n 1000 "$work/all" >"$work/$name.cookies"
  in_turn $name
  serve $name $proxy_core
  addresses[$name]=$address
done
head -n $((sessions / 5)) "$work/all" >"$work/crowd.cookies"
in_turn crowd
addresses[crowd]=${addresses[many]} processes[crowd]=${processes[many]}

# Rules: of one app, and of a thousand apps.
for name in ten thousand apps; do
  installation $name
  case $name in
    ten) app "$work/$name" "$host" 10 ;;
    thousand) app "$work/$name" "$host" 1000 ;;
    apps)
      app "$work/$name" "$host" 10
      for ((other = 1; other < 1000; other++)); do app "$work/$name" "app-$other.localhost" 10; done ;;
  esac
  echo "policies: $name" >>"$work/$name.yaml"
  serve $name $proxy_core
  addresses[$name]=$address
  cookies[$name]=$("$built/examples/signed-in" "$work/$name.yaml" "$host" care-staff)
done

# Cores: the load is on one of the two.
declare -A cores=([one]=$proxy_core [two]=$load_core,$proxy_core [left]=$load_core [right]=$proxy_core)
for name in one two left right; do
  installation $name
  sed -i 's|sluse.db|few.db|' "$work/$name.yaml"
  cp "$work/few.cookies" "$work/$name.cookies"
  in_turn $name
  serve $name ${cores[$name]}
  addresses[$name]=$address
done
for name in few many crowd ten thousand apps one two left right; do ready $name; done
addresses[apart]=${addresses[left]} cookies[apart]=${cookies[left]} processes[apart]="${processes[left]} ${processes[right]}"

both() { # SECONDS: of two processes, half of the load each
  local connections=$((connections / 2))
  load left "$1" &
  load right "$1"
  wait $!
}
# As `requests`, by the script where there is one.
load() {
  local report script="$work/$1.lua"
  if [[ $1 == apart ]]; then
    both "$2" | awk '{ sum += $1 } END { print sum }'
    return
  fi
  [[ -e $script ]] || { requests "$@"; return; }
  report=$(timeout $(($2 + 60)) taskset -c $load_core wrk -t 1 -c $connections -d "$2s" --timeout 20s \
    -s "$script" "http://${addresses[$1]}$path")
  ! grep -qE 'Non-2xx|Socket errors' <<<"$report" || die "$1 failed under load: $report"
  awk '/requests in/ { print $1 }' <<<"$report"
}

compare() { # REFERENCE CONTENDER…
  rm -rf "$results"
  measure "$@"
  heading "$connections connections, 1 KiB, log off" "$1"
  row "$1" "$1" "${labels[$1]}"
  local contender
  for contender in "${@:2}"; do row "$1" "$contender" "${labels[$contender]}"; done
}
declare -A labels=([few]='1000 live sessions' [many]="$sessions live sessions"
  [crowd]="$((sessions / 5)) of them ask" [ten]='10 rules'
  [thousand]='1000 rules of one app' [apps]='10000 rules of 1000 apps' [one]='one core' [two]='two cores'
  [apart]='a process a core')
compare few many
# By themselves: they leave no room for others to be kept whole.
compare few crowd
compare ten thousand apps
compare one two apart
