# shellcheck shell=bash disable=SC2015,SC2034
# What the scripts here have in common: a load on one core, what is measured on another, slices that alternate, and
# what comes of them. To be sourced at the top of the project, with `set -euo pipefail`. Loopback only.

name=${0##*/}
pairs=10 seconds=3 profile=dist port=18600 format=human
load_core=0 proxy_core=1
connections=64

die() { echo "$name: $*" >&2; exit 2; }
between() { [[ $2 =~ ^[0-9]{1,5}$ ]] && (($2 >= $3 && $2 <= $4)) || die "$1 is a number from $3 to $4"; }

option() { # NAME VALUE: one that all scripts have; false where it is none
  case $1 in
    --pairs) between "$@" 1 60; pairs=$2 ;;
    --seconds) between "$@" 1 30; seconds=$2 ;;
    --profile) profile=$2 ;;
    --port) between "$@" 1024 65000; port=$2 ;;
    --format) [[ $2 == human || $2 == json ]] || die "--format is human or json"; format=$2 ;;
    *) return 1 ;;
  esac
}

need() { # TOOL…
  local tool
  for tool; do command -v "$tool" >/dev/null || die "$tool is missing"; done
  (($(nproc) > 1)) || die "the load and what is measured need a core each"
}

free_port() { # in $port: the next that nobody listens on
  while ((port += 1)); do
    if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
  done
}

build() { # EXAMPLE…: them and Sluse, in $built
  local example examples=()
  for example; do examples+=(--example "$example"); done
  cargo build --locked --profile "$profile" --bin sluse "${examples[@]}" >&2
  built=${CARGO_TARGET_DIR:-target}/${profile/#dev/debug}
}

work=$(mktemp -d)
chmod 711 "$work"
started=()
finish() {
  local group
  for group in "${started[@]}"; do kill -- "-$group" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Each in a session of its own: what it starts is counted with it, and ended with it.
start() { # CORE COMMAND…: its id in $pid, what it says in the file $output
  setsid taskset -c "$@" </dev/null >"${output:-/dev/null}" 2>&1 &
  pid=$!
  started+=("$pid")
}

await() { # NAME ADDRESS
  local tries
  for ((tries = 0; tries < 100; tries++)); do
    if (: <"/dev/tcp/${2/://}") 2>/dev/null; then return; fi
    sleep 0.1
  done
  die "$1 does not listen on $2"
}

nginx_config() { # FOLDER: the file of one nginx process; what is inside `http` is read
  cat <<END
daemon off;
master_process off;
pid $1/nginx.pid;
error_log /dev/null;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path $1; proxy_temp_path $1; fastcgi_temp_path $1; uwsgi_temp_path $1; scgi_temp_path $1;
$(cat)
}
END
}

start_upstream() { # at $upstream: 1 KiB at every path, and at /who who is said to ask
  local folder=$work/upstream
  mkdir "$folder"
  free_port
  upstream=127.0.0.1:$port
  nginx_config "$folder" >"$folder/nginx.conf" <<END
  server {
    listen $upstream;
    location / { return 200 "$(printf 'x%.0s' {1..1024})"; }
    location = /who { return 200 "\$http_x_sluse_user"; }
  }
END
  start $load_core nginx -p "$folder" -c "$folder/nginx.conf"
  await upstream "$upstream"
}

# The shipped policy of Cura under an installation of our own, before the upstream.
host=cura.localhost
installation() { # NAME [LISTENER]: $work/NAME.yaml, at $address; those of one run share a store
  local admin listener
  free_port; address=127.0.0.1:$port
  free_port; admin=127.0.0.1:$port
  listener=${2:-"listen: [$address]"}
  mkdir -p "$work/policies"
  # Once: the one before it may be reading it this moment.
  [[ -e $work/policies/cura.yaml ]] ||
    sed -e "s|^hosts:.*|hosts: [$host]|" -e "s|^upstream:.*|upstream: http://$upstream|" \
      policies/cura.yaml >"$work/policies/cura.yaml"
  [[ -e $work/sluse.key ]] || head -c 48 /dev/urandom | base64 >"$work/sluse.key"
  cat >"$work/$1.yaml" <<END
login: http${2:+s}://login.localhost:${address#*:}
${listener//ADDRESS/$address}
admin: $admin
store: sqlite:sluse.db
key_file: sluse.key
methods:
  password: {}
  key: { rp_id: login.localhost }
  mitid: { preset: generic, issuer: "http://mitid.localhost:9", client_id: bench }
levels:
  basic: password
  strong: password + (key | mitid)
  pin: key(pin) | mitid(substantial)
networks: { kommune-lan: [10.20.0.0/16] }
END
  "$built/sluse" check --config "$work/$1.yaml" >&2
}

# Of each contender: where it listens, the sessions that count as it, and the cookie of who is signed in.
declare -A addresses processes cookies

ticks() { # CONTENDER: user and system time of all its processes and threads
  cat /proc/[0-9]*/stat 2>/dev/null | awk -v sessions=" ${processes[$1]} " '
    { sub(/.*\) /, ""); if (index(sessions, " " $4 " ")) sum += $12 + $13 } END { print sum + 0 }' || true
}

# One request, the same for all but the session's cookie.
path=/citizens/4711/journal
ask() { # CONTENDER PATH [OPTION…]: curl, as who is signed in
  curl -s -H "Host: $host" -H "Cookie: theme=dark; ${cookies[$1]}" "${@:3}" "http://${addresses[$1]}$2"
}
check_signed_in() { # CONTENDER
  local answer
  answer=$(ask "$1" $path -o /dev/null -w '%{http_code} %{size_download}')
  [[ $answer == "200 1024" ]] || die "$1 answers $answer to who is signed in"
}
check_stranger() { # CONTENDER
  local status
  status=$(curl -s -o /dev/null -w '%{http_code}' -H "Host: $host" "http://${addresses[$1]}$path")
  [[ $status == 30[237] || $status == 40[13] ]] || die "$1 answers $status to a stranger"
}

requests() { # CONTENDER SECONDS: how many it answered
  local report
  report=$(timeout $(($2 + 20)) taskset -c $load_core wrk -t 1 -c $connections -d "$2s" --timeout 20s \
    -H "Host: $host" -H "Cookie: theme=dark; ${cookies[$1]}" "http://${addresses[$1]}$path")
  ! grep -qE 'Non-2xx|Socket errors' <<<"$report" || die "$1 failed under load: $report"
  awk '/requests in/ { print $1 }' <<<"$report"
}

# A script that counts something else has a `load` of its own, or a `slice`.
load() { requests "$@"; }

hertz=$(getconf CLK_TCK)
slice() { # CONTENDER SECONDS: CPU µs of one, and how many a second
  local before after count
  before=$(ticks "$1")
  count=$(load "$1" "$2")
  after=$(ticks "$1")
  awk -v ticks=$((after - before)) -v hertz="$hertz" -v seconds="$2" -v count="$count" \
    'BEGIN { printf "%.3f %.0f\n", ticks / hertz * 1e6 / count, count / seconds }'
}

results=$work/results
measure() { # REFERENCE CONTENDER…: A-B-A, each contender's slice between two of the reference's
  local reference=$1 contender pair at=1
  shift
  mkdir -p "$results"
  for contender in "$reference" "$@"; do slice "$contender" 1 >/dev/null; done
  slice "$reference" "$seconds" >"$results/$reference"
  for ((pair = 1; pair <= pairs; pair++)); do
    for contender; do
      echo "$(slice "$contender" "$seconds") $((at++))" >>"$results/$contender"
      slice "$reference" "$seconds" >>"$results/$reference"
    done
    echo "pair $pair of $pairs" >&2
  done
}

spread() { # median, least and most of the numbers read
  sort -n | awk '{ n[NR] = $1 } END { print (n[int((NR + 1) / 2)] + n[int(NR / 2) + 1]) / 2, n[1], n[NR] }'
}
ratios() { # REFERENCE CONTENDER: each slice by the mean of the reference's before and after it
  awk 'NR == FNR { reference[NR] = $1; next } { print $1 / ((reference[$3] + reference[$3 + 1]) / 2) }' \
    "$results/$1" "$results/$2"
}
row() { # REFERENCE CONTENDER LABEL
  local cpu rate ratio=(1 1 1)
  read -r cpu _ < <(cut -d ' ' -f 1 "$results/$2" | spread)
  read -r rate _ < <(cut -d ' ' -f 2 "$results/$2" | spread)
  [[ $1 == "$2" ]] || read -ra ratio < <(ratios "$1" "$2" | spread)
  if [[ $format == json ]]; then
    printf '{"contender":"%s","cpu_us":%.1f,"per_second":%.0f,"ratio":%.3f,"least":%.3f,"most":%.3f}\n' \
      "$3" "$cpu" "$rate" "${ratio[@]}"
  else
    printf '%-32s %10.1f %10.0f %8.2f (%.2f–%.2f)\n' "$3" "$cpu" "$rate" "${ratio[@]}"
  fi
}
heading() { # WHAT TO
  [[ $format == human ]] || return 0
  echo "$1; profile $profile, $pairs pairs of $seconds s, load average $(cut -d ' ' -f 1-3 /proc/loadavg); medians"
  # µ is two bytes, and bytes are what printf counts.
  printf '%-32s %11s %10s %8s\n' contender "${unit=CPU µs}" 'per s' "${unit% *} to $2 (range)"
}
