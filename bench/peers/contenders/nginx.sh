# shellcheck shell=bash disable=SC2004,SC2034,SC2086,SC2154
label='nginx proxy_pass'
needs=nginx
turns_away=nobody
launch() {
  nginx_config "$folder" >"$folder/nginx.conf" <<END
  upstream app { server $upstream; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen $address;
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host \$host;
    }
  }
END
  start $proxy_core nginx -p "$folder" -c "$folder/nginx.conf"
  processes[$contender]=$pid
}
version() { nginx -v 2>&1 | sed 's/.*nginx\//nginx /'; }
