# shellcheck shell=bash disable=SC2004,SC2034,SC2086,SC2154
# It has no request to an authoriser of its own: it compares a cookie, and no more.
label='HAProxy, a cookie compared'
needs=haproxy
launch() {
  cat >"$folder/haproxy.cfg" <<END
global
  nbthread 1
  maxconn 1024
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend front
  bind $address
  http-request deny deny_status 401 unless { req.cook(session) -m str $token }
  default_backend app
backend app
  server one $upstream
END
  start $proxy_core haproxy -db -f "$folder/haproxy.cfg"
  processes[$contender]=$pid
}
version() { haproxy -v | sed -n 's/^HAProxy version \([^ ]*\).*/HAProxy \1/p'; }
