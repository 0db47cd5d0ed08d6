# shellcheck shell=bash disable=SC2034
label='bare pingora'
turns_away=nobody
launch() {
  start $proxy_core "$built/examples/bare-proxy" "$address" "$upstream"
  processes[$contender]=$pid
}
version() { sed -n '/^name = "pingora"$/{n;s/version = "\(.*\)"/pingora \1/p}' Cargo.lock; }
