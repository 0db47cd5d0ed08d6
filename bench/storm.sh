#!/usr/bin/env bash
# What a storm of logins does to people who are inside: the p99 of signed-in requests at a steady rate, by turns alone
# and while 32 browsers log in as fast as they are let. The gateway has one core, where passwords are hashed, too; the
# clients have the other. Loopback only. Needs nginx, taskset and two cores.
#
#   bench/storm.sh [--pairs N] [--seconds N] [--rate N] [--profile PROFILE] [--port FIRST]
set -euo pipefail
cd "$(dirname "$0")/.."

pairs=5 seconds=10 rate=200 profile=dist port=18800
load_core=0 gateway_core=1
die() { echo "storm.sh: $*" >&2; exit 2; }
while (($#)); do
  (($# > 1)) || die "$1 wants a value"
  [[ $1 != --profile ]] && ! [[ $2 =~ ^[1-9][0-9]{0,4}$ ]] && die "$1 is a number"
  case $1 in
    --pairs) pairs=$2 ;;
    --seconds) seconds=$2 ;;
    --rate) rate=$2 ;;
    --profile) profile=$2 ;;
    --port) port=$2 ;;
    *) die "there is no option $1" ;;
  esac
  shift 2
done
for tool in nginx taskset; do command -v $tool >/dev/null || die "$tool is missing"; done
(($(nproc) > 1)) || die "the load and the gateway need a core each"

cargo build --locked --profile "$profile" --bin sluse >&2
sluse=${CARGO_TARGET_DIR:-target}/${profile/#dev/debug}/sluse
work=$(mktemp -d)
upstream=127.0.0.1:$port gateway=127.0.0.1:$((port + 1)) app=http://app.localhost:$((port + 1))/
started=()
finish() {
  for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT

cat >"$work/nginx.conf" <<END
daemon off;
master_process off;
pid $work/nginx.pid;
error_log /dev/null;
events {}
http {
  access_log off;
  client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work; uwsgi_temp_path $work;
  scgi_temp_path $work;
  server { listen $upstream; location / { return 200 "from upstream"; } }
}
END
mkdir "$work/policies"
cat >"$work/policies/app.yaml" <<END
version: 1
app: app
hosts: [app.localhost]
upstream: http://$upstream
rules:
  - { name: all, match: { path: /** }, require: { level: basic } }
END
head -c 48 /dev/urandom | base64 >"$work/sluse.key"
cat >"$work/sluse.yaml" <<END
login: http://login.localhost:$((port + 1))
listen: [$gateway]
admin: 127.0.0.1:$((port + 2))
store: sqlite:sluse.db
key_file: sluse.key
methods: { password: {}, key: { rp_id: login.localhost } }
levels: { basic: password }
END
"$sluse" bench prepare --config "$work/sluse.yaml" --people 200 --out "$work/people" >&2
taskset -c $load_core nginx -p "$work" -c "$work/nginx.conf" 2>/dev/null &
started+=($!)
SLUSE_LOG=warn taskset -c $gateway_core "$sluse" serve --config "$work/sluse.yaml" </dev/null >/dev/null 2>"$work/log" &
started+=($!)
until (: <"/dev/tcp/${gateway/://}") 2>/dev/null; do kill -0 $! || die "it ended: $(<"$work/log")"; sleep 0.1; done

inside() { # NAME: appends the p99 in µs
  taskset -c $load_core "$sluse" bench proxy --people "$work/people" --app "$app" --upstream "http://$upstream/" \
    --signed-in 4 --turns 1 --rate "$rate" --warm-up 2 --seconds "$seconds" --format json >"$work/json" 2>/dev/null
  sed -E 's/.*"through":\{[^}]*"p99_us":([0-9.]+).*/\1/' "$work/json" >>"$work/$1"
}

for ((pair = 1; pair <= pairs; pair++)); do
  inside alone
  taskset -c $load_core "$sluse" bench login --people "$work/people" --app "$app" --concurrency 32 --warm-up 0 \
    --seconds 3600 >/dev/null 2>"$work/storm" &
  storm=$!
  sleep 1
  kill -0 $storm 2>/dev/null || die "nobody logs in: $(<"$work/storm")"
  inside beside
  kill $storm && { wait $storm || true; }
  echo "pair $pair of $pairs" >&2
done

spread() { # of the numbers read: median, least and most
  sort -n | awk '{ a[NR] = $1 } END { printf "%.2f (%.2f–%.2f)\n", a[int((NR + 1) / 2)], a[1], a[NR] }'
}
echo "p99 alone, ms:           $(awk '{ print $1 / 1000 }' "$work/alone" | spread)"
echo "p99 beside a storm, ms:  $(awk '{ print $1 / 1000 }' "$work/beside" | spread)"
echo "the one by the other:    $(paste "$work/beside" "$work/alone" | awk '{ print $1 / $2 }' | spread)"
echo "load average:            $(cut -d ' ' -f 1-3 /proc/loadavg)"
