#!/usr/bin/env bash
# What Sluse adds to a request: the CPU time of one through a bare pingora proxy, and of the same one, signed
# in, through `sluse serve`. Slices of load alternate, and each of Sluse's is held against the two of the bare
# proxy on either side of it. Loopback only. Needs wrk, nginx, curl, taskset and two cores.
#
#   bench/proxy.sh [--pairs N] [--seconds N] [--profile PROFILE] [--port FIRST] [--format human|json]
set -euo pipefail
cd "$(dirname "$0")/.."

pairs=10 seconds=3 profile=dist port=18600 format=human
connections=64
load_core=0 proxy_core=1

die() { echo "proxy.sh: $*" >&2; exit 2; }
between() { [[ $2 =~ ^[0-9]{1,5}$ ]] && (($2 >= $3 && $2 <= $4)) || die "$1 is a number from $3 to $4"; }

while (($#)); do
  (($# > 1)) || die "$1 wants a value"
  case $1 in
    --pairs) pairs=$2 ;;
    --seconds) seconds=$2 ;;
    --profile) profile=$2 ;;
    --port) port=$2 ;;
    --format) format=$2 ;;
    *) die "there is no option $1" ;;
  esac
  shift 2
done
between --pairs "$pairs" 1 60
between --seconds "$seconds" 1 30
between --port "$port" 1024 65000
[[ $format == human || $format == json ]] || die "--format is human or json"
for tool in wrk nginx curl taskset; do command -v $tool >/dev/null || die "$tool is missing"; done
(($(nproc) > 1)) || die "the load and the proxy need a core each"

upstream=127.0.0.1:$port bare=127.0.0.1:$((port + 1))
sluse=127.0.0.1:$((port + 2)) sluse_admin=127.0.0.1:$((port + 3))
quiet=127.0.0.1:$((port + 4)) quiet_admin=127.0.0.1:$((port + 5))
for ((free = port; free < port + 6; free++)); do
  ! (: <"/dev/tcp/127.0.0.1/$free") 2>/dev/null || die "port $free is taken: choose others with --port"
done

cargo build --locked --profile "$profile" --bin sluse --example bare-proxy --example signed-in >&2
built=${CARGO_TARGET_DIR:-target}/${profile/#dev/debug}

work=$(mktemp -d)
started=()
finish() {
  ((${#started[@]} == 0)) || kill "${started[@]}" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

start() { # CORE COMMAND…: its id in $pid
  taskset -c "$@" </dev/null >/dev/null 2>&1 &
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

cat >"$work/nginx.conf" <<END
daemon off;
master_process off;
pid $work/nginx.pid;
error_log /dev/null;
events { worker_connections 1024; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work; uwsgi_temp_path $work;
  scgi_temp_path $work;
  server {
    listen $upstream;
    location / { return 200 "$(printf 'x%.0s' {1..1024})"; }
    location = /who { return 200 "\$http_x_sluse_user"; }
  }
}
END

# The shipped policy of Cura under an installation of our own: two share its store, one of them without a log.
host=cura.localhost
mkdir "$work/policies"
sed -e "s|^hosts:.*|hosts: [$host]|" -e "s|^upstream:.*|upstream: http://$upstream|" \
  policies/cura.yaml >"$work/policies/cura.yaml"
head -c 48 /dev/urandom | base64 >"$work/sluse.key"
installation() { # LISTEN ADMIN
  cat <<END
login: http://login.localhost:${1#*:}
listen: [$1]
admin: $2
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
}
installation "$sluse" "$sluse_admin" >"$work/sluse.yaml"
installation "$quiet" "$quiet_admin" >"$work/quiet.yaml"
for config in sluse quiet; do "$built/sluse" check --config "$work/$config.yaml" >&2; done
cookie=$("$built/examples/signed-in" "$work/sluse.yaml" "$host" care-staff)

declare -A address=([bare]=$bare [sluse]=$sluse [quiet]=$quiet) process
start $load_core nginx -p "$work" -c "$work/nginx.conf"
start $proxy_core "$built/examples/bare-proxy" "$bare" "$upstream"; process[bare]=$pid
SLUSE_LOG=info start $proxy_core "$built/sluse" serve --config "$work/sluse.yaml"; process[sluse]=$pid
SLUSE_LOG=warn start $proxy_core "$built/sluse" serve --config "$work/quiet.yaml"; process[quiet]=$pid
await nginx "$upstream"
for name in bare sluse quiet; do await "$name" "${address[$name]}"; done

# One request, the same for all; and proof that Sluse decides on it.
path=/citizens/4711/journal
request=(-H "Host: $host" -H "Cookie: theme=dark; $cookie")
for name in bare sluse quiet; do
  size=$(curl -s -o "$work/body" -w '%{http_code} %{size_download}' "${request[@]}" "http://${address[$name]}$path")
  [[ $size == "200 1024" ]] || die "$name answers $size"
done
for name in sluse quiet; do
  status=$(curl -s -o /dev/null -w '%{http_code}' -H "Host: $host" "http://${address[$name]}$path")
  [[ $status != 200 ]] || die "$name lets strangers in"
  [[ $(curl -s "${request[@]}" "http://${address[$name]}/who") == bench-* ]] || die "$name tells nobody's name"
done

ticks() { # NAME: user and system time of the process, all its threads
  local stat
  read -r stat <"/proc/${process[$1]}/stat"
  set -- ${stat##*) }
  echo $((${12} + ${13}))
}

hertz=$(getconf CLK_TCK)
slice() { # NAME SECONDS: appends to its results
  local before after report
  before=$(ticks "$1")
  report=$(timeout $(($2 + 20)) taskset -c $load_core \
    wrk -t 1 -c $connections -d "$2s" "${request[@]}" "http://${address[$1]}$path")
  after=$(ticks "$1")
  ! grep -qE 'Non-2xx|Socket errors' <<<"$report" || die "$1 failed under load: $report"
  awk -v ticks=$((after - before)) -v hertz="$hertz" -v seconds="$2" \
    '/requests in/ { printf "%.3f %.0f\n", ticks / hertz * 1e6 / $1, $1 / seconds }' <<<"$report" >>"$work/$1"
}

for name in bare sluse quiet; do slice "$name" 1; done
rm "$work"/{bare,sluse,quiet}
slice bare "$seconds"
for ((pair = 1; pair <= pairs; pair++)); do
  for name in sluse quiet; do
    slice "$name" "$seconds"
    slice bare "$seconds"
  done
  echo "pair $pair of $pairs" >&2
done

# Line i of a contender lies between two of the bare proxy's: 2i-1 and 2i for the first, 2i and 2i+1 for the next.
ratios() { # NAME OFFSET
  awk -v offset="$2" 'NR == FNR { bare[NR] = $1; next }
    { at = 2 * FNR - 1 + offset; print $1 / ((bare[at] + bare[at + 1]) / 2) }' "$work/bare" "$work/$1"
}
spread() { # median, least and most of the numbers read
  sort -n | awk '{ n[NR] = $1 } END { print (n[int((NR + 1) / 2)] + n[int(NR / 2) + 1]) / 2, n[1], n[NR] }'
}
row() { # NAME LABEL OFFSET
  local cpu rate ratio
  cpu=$(cut -d ' ' -f 1 "$work/$1" | spread)
  rate=$(cut -d ' ' -f 2 "$work/$1" | spread)
  ratio=$([[ $1 == bare ]] && echo 1 1 1 || ratios "$1" "$3" | spread)
  if [[ $format == json ]]; then
    printf '{"contender":"%s","cpu_us":%.1f,"per_second":%.0f,"ratio":%.3f,"least":%.3f,"most":%.3f}\n' \
      "$2" "${cpu%% *}" "${rate%% *}" $ratio
  else
    printf '%-16s %10.1f %10.0f %8.2f (%.2f–%.2f)\n' "$2" "${cpu%% *}" "${rate%% *}" $ratio
  fi
}
if [[ $format == human ]]; then
  echo "profile $profile, $pairs pairs of $seconds s, $connections connections, 1 KiB; medians"
  # µ is two bytes, and bytes are what printf counts.
  printf '%-16s %11s %10s %8s\n' contender 'CPU µs' 'per s' 'CPU to bare (range)'
fi
row bare bare 0
row sluse sluse 0
row quiet 'sluse, log off' 1
