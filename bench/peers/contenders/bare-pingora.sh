# shellcheck shell=bash disable=SC2004,SC2034,SC2086,SC2154
label='bare pingora'
turns_away=nobody
launch() {
  start $proxy_core "$built/examples/bare-proxy" "$address" "$upstream"
  processes[$contender]=$pid
}
version() { sed -n '/^name = "pingora"$/{n;s/version = "\(.*\)"/pingora \1/p}' Cargo.lock; }
