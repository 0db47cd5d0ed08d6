#!/bin/sh
# Pictures of every page into target/pages/shots: phone, tablet and desktop, light and dark, Danish and English.
# Names given as arguments ("login me") limit it to those pages. Needs chromium and python3.
set -eu
cd "$(dirname "$0")/.."
cargo test --quiet --lib pages::view::tests::write_samples >/dev/null
pages="$PWD/target/pages"
shots="$pages/shots"
profile=$(mktemp -d)
mkdir -p "$shots"

# The pages name their assets by absolute paths, so they need a server, on a free port of the loopback.
python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$pages" >"$profile/server" 2>/dev/null &
server=$!
trap 'kill $server; rm -rf "$profile"' EXIT
until port=$(grep -o 'port [0-9]*' "$profile/server"); do kill -0 $server; done
address="http://127.0.0.1:${port#port }"

# A window cannot be narrower than 500 px, but a frame in it can.
frame() { # page width height
	echo "<!doctype html><style>*{margin:0}html{background:#888}iframe{display:block;border:0;width:$2px;height:$3px}</style><iframe src=\"/$1.html\"></iframe>" >"$pages/frame.html"
}

shoot() { # page size-name width height scheme-name scheme
	frame "$1" "$3" "$4"
	chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$profile/chromium" \
		--blink-settings=preferredColorScheme="$6" --virtual-time-budget=2000 \
		--window-size="$3,$4" --screenshot="$shots/$1.$2.$5.png" "$address/frame.html" >/dev/null 2>&1
}

for file in "$pages"/*.??.html; do
	page=$(basename "$file" .html)
	[ $# -eq 0 ] || case " $* " in *" ${page%.*} "*) ;; *) continue ;; esac
	for scheme in light:1 dark:0; do
		shoot "$page" narrow 320 640 "${scheme%:*}" "${scheme#*:}"
		shoot "$page" phone 390 844 "${scheme%:*}" "${scheme#*:}"
		shoot "$page" tablet 820 1180 "${scheme%:*}" "${scheme#*:}"
		shoot "$page" desktop 1280 900 "${scheme%:*}" "${scheme#*:}"
	done
done
echo "$shots"
