# shellcheck shell=bash disable=SC2004,SC2034,SC2086,SC2154
# The authoriser is a process of its own, as authorisers are, and asked over connections that are kept.
label='nginx auth_request'
needs=nginx
launch() {
  start_authoriser
  nginx_config "$folder" >"$folder/nginx.conf" <<END
  upstream app { server $upstream; keepalive 128; keepalive_requests 1000000000; }
  upstream authoriser { server $authoriser; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen $address;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    location / {
      auth_request /authorise;
      auth_request_set \$user \$upstream_http_x_user;
      proxy_pass http://app;
      proxy_set_header Connection "";
      proxy_set_header Host \$host;
      proxy_set_header X-User \$user;
    }
    location = /authorise {
      internal;
      proxy_pass http://authoriser;
      proxy_pass_request_body off;
      proxy_set_header Connection "";
      proxy_set_header Content-Length "";
    }
  }
END
  start $proxy_core nginx -p "$folder" -c "$folder/nginx.conf"
  processes[$contender]="$pid ${processes[authoriser]}"
}
version() { nginx -v 2>&1 | sed 's/.*nginx\//nginx /'; }
