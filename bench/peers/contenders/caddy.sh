# shellcheck shell=bash disable=SC2004,SC2034,SC2086,SC2154
label='Caddy forward_auth'
needs=caddy
launch() {
  start_authoriser
  cat >"$folder/Caddyfile" <<END
{
  admin off
  auto_https off
  log {
    output discard
  }
}
http://:${address#*:} {
  bind 127.0.0.1
  forward_auth $authoriser {
    uri /authorise
    copy_headers X-User
    transport http {
      keepalive_idle_conns_per_host 128
    }
  }
  reverse_proxy $upstream {
    transport http {
      keepalive_idle_conns_per_host 128
    }
  }
}
END
  HOME=$folder start $proxy_core caddy run --config "$folder/Caddyfile" --adapter caddyfile
  processes[$contender]="$pid ${processes[authoriser]}"
}
version() { echo "Caddy $(caddy version | cut -d ' ' -f 1)"; }
