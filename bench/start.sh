#!/usr/bin/env bash
# How long `sluse serve` takes from exec to the end of its first proxied, signed-in answer, with a thousand rules in a
# hundred apps; the size of the binary; and the memory it has a second later. Loopback only. Needs nginx.
#
#   bench/start.sh [--starts N] [--profile PROFILE] [--port FIRST]
set -euo pipefail
cd "$(dirname "$0")/.."

starts=11 profile=dist port=18700
die() { echo "start.sh: $*" >&2; exit 2; }
while (($#)); do
  (($# > 1)) || die "$1 wants a value"
  [[ $1 != --profile ]] && ! [[ $2 =~ ^[1-9][0-9]{0,4}$ ]] && die "$1 is a number"
  case $1 in
    --starts) starts=$2 ;;
    --profile) profile=$2 ;;
    --port) port=$2 ;;
    *) die "there is no option $1" ;;
  esac
  shift 2
done
command -v nginx >/dev/null || die "nginx is missing"

cargo build --locked --profile "$profile" --bin sluse --example signed-in >&2
built=${CARGO_TARGET_DIR:-target}/${profile/#dev/debug}
work=$(mktemp -d)
upstream=127.0.0.1:$port sluse=127.0.0.1:$((port + 1)) admin=127.0.0.1:$((port + 2)) host=app-99.localhost
serving='' nginx=''
finish() {
  for process in $serving $nginx; do kill "$process" 2>/dev/null || true; done
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
nginx -p "$work" -c "$work/nginx.conf" 2>/dev/null &
nginx=$!

mkdir "$work/policies"
for ((app = 0; app < 100; app++)); do
  {
    printf 'version: 1\napp: app-%d\nhosts: [app-%d.localhost]\nupstream: http://%s\nrules:\n' $app $app "$upstream"
    for ((rule = 0; rule < 9; rule++)); do
      printf '  - { name: part-%d, match: { path: [/part-%d/**, /v2/*/part-%d] }, require: { groups: [nurses] } }\n' $rule $rule $rule
    done
    printf '  - { name: rest, match: { path: /** }, require: { level: basic }, overlap: ok }\n'
  } >"$work/policies/app-$app.yaml"
done
head -c 48 /dev/urandom | base64 >"$work/sluse.key"
cat >"$work/sluse.yaml" <<END
login: http://login.localhost:$((port + 1))
listen: [$sluse]
admin: $admin
store: sqlite:sluse.db
key_file: sluse.key
methods: { password: {}, key: { rp_id: login.localhost } }
levels: { basic: password }
END
"$built/sluse" check --config "$work/sluse.yaml" >&2
cookie=$("$built/examples/signed-in" "$work/sluse.yaml" "$host" nurses)

for ((start = 0; start < starts; start++)); do
  began=${EPOCHREALTIME/./}
  SLUSE_LOG=warn "$built/sluse" serve --config "$work/sluse.yaml" </dev/null >/dev/null 2>"$work/log" &
  serving=$!
  until { exec 3<>"/dev/tcp/${sluse/://}"; } 2>/dev/null; do
    kill -0 $serving || die "it ended: $(<"$work/log")"
  done
  printf 'GET /journal HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\nConnection: close\r\n\r\n' "$host" "$cookie" >&3
  answer=$(tr -d '\0' <&3)
  echo $((${EPOCHREALTIME/./} - began)) >>"$work/times"
  exec 3>&-
  [[ $answer == *"from upstream"* ]] || die "it answers: $answer"
  sleep 1
  awk '/^VmRSS/ { print $2 }' "/proc/$serving/status" >>"$work/memory"
  kill $serving
  wait $serving || true
  serving=''
done

spread() { # FILE DIVISOR FORMAT: median, least and most
  sort -n "$1" | awk -v by="$2" -v as="$3" \
    '{ a[NR] = $1 / by } END { printf as " (" as "–" as ")\n", a[int((NR + 1) / 2)], a[1], a[NR] }'
}
echo "from exec to the first proxied answer, ms: $(spread "$work/times" 1000 %.0f)"
echo "resident memory a second later, MiB:       $(spread "$work/memory" 1024 %.1f)"
echo "binary, MiB:                               $(stat -c %s "$built/sluse" | awk '{ printf "%.1f", $1 / 1048576 }')"
echo "load average:                              $(cut -d ' ' -f 1-3 /proc/loadavg)"
