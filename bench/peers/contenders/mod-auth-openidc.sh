# shellcheck shell=bash disable=SC2004,SC2034,SC2086,SC2154
# A real login, once, at the provider the tests have; sessions in shared memory.
label='Apache mod_auth_openidc'
needs=apache2
modules=/usr/lib/apache2/modules
available() { [[ -e $modules/mod_auth_openidc.so && -d tests/it/node_modules/oidc-provider ]]; }
launch() {
  local client issuer tries
  client="{\"clients\":[{\"client_id\":\"bench\",\"client_secret\":\"$token\",
    \"redirect_uris\":[\"http://$host:${address#*:}/oidc\"]}],
    \"people\":[{\"user\":\"bench\",\"name\":\"Bench\",\"uuid\":\"5d3c1f0a-0000-4000-8000-000000000001\"}]}"
  : >"$folder/broker"
  output=$folder/broker start $load_core node tests/it/broker.mjs "$client"
  broker=$pid
  for ((tries = 0; tries < 100; tries++)); do
    issuer=$(sed -n 's/^issuer //p' "$folder/broker")
    [[ -z $issuer ]] || break
    sleep 0.1
  done
  [[ $issuer ]] || die "the provider does not start: $(cat "$folder/broker")"
  {
    for module in mpm_event authn_core authz_core authz_user proxy proxy_http auth_openidc; do
      echo "LoadModule ${module}_module $modules/mod_$module.so"
    done
    cat <<END
ServerRoot $folder
ServerName 127.0.0.1
DefaultRuntimeDir $folder
PidFile $folder/pid
Listen $address
User nobody
Group nogroup
ErrorLog /dev/null
StartServers 1
ServerLimit 1
ThreadLimit 128
ThreadsPerChild 128
MaxRequestWorkers 128
MinSpareThreads 1
MaxSpareThreads 128
KeepAlive On
KeepAliveTimeout 60
MaxKeepAliveRequests 0
OIDCProviderMetadataURL $issuer/.well-known/openid-configuration
OIDCClientID bench
OIDCClientSecret $token
OIDCRedirectURI http://$host:${address#*:}/oidc
OIDCCryptoPassphrase $token
OIDCPKCEMethod S256
OIDCScope openid
OIDCCacheType shm
OIDCSessionType server-cache
OIDCSessionInactivityTimeout 86400
ProxyPass /oidc !
ProxyPass / http://$upstream/
<Location />
  AuthType openid-connect
  Require valid-user
</Location>
END
  } >"$folder/apache.conf"
  start $proxy_core apache2 -f "$folder/apache.conf" -DFOREGROUND
  processes[$contender]=$pid
}
sign_in() { # as a browser would
  local page again=(-s -L -b "$folder/jar" -c "$folder/jar" -o /dev/null -w '%{url_effective}')
  again+=(--resolve "$host:${address#*:}:127.0.0.1")
  page=$(curl "${again[@]}" "http://$host:${address#*:}/")
  curl "${again[@]}" --data user=bench "$page" >/dev/null
  kill -- "-$broker"
  awk '$6 == "mod_auth_openidc_session" { print $6 "=" $7 }' "$folder/jar"
}
version() {
  echo "Apache $(apache2 -v | sed -n 's/.*Apache\/\([0-9.]*\).*/\1/p'), mod_auth_openidc $(
    dpkg-query -W -f '${Version}' libapache2-mod-auth-openidc 2>/dev/null)"
}
