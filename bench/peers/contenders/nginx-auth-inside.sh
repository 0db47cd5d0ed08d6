# shellcheck shell=bash disable=SC2004,SC2034,SC2086,SC2154
# The cheapest authoriser there can be: the same nginx answers itself.
label='nginx auth_request, to itself'
needs=nginx
launch() {
  nginx_config "$folder" >"$folder/nginx.conf" <<END
  upstream app { server $upstream; keepalive 128; keepalive_requests 1000000000; }
  map \$cookie_session \$stranger { default 1; $token 0; }
  server {
    listen $address;
    location / {
      auth_request /authorise;
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host \$host;
    }
    location = /authorise {
      internal;
      if (\$stranger) { return 401; }
      return 204;
    }
  }
END
  start $proxy_core nginx -p "$folder" -c "$folder/nginx.conf"
  processes[$contender]=$pid
}
version() { nginx -v 2>&1 | sed 's/.*nginx\//nginx /'; }
