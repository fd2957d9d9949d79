#!/bin/sh
# What the browser tests need on this machine: Debian's Chromium, fonts so that pages look the same
# everywhere, and the packages of package.json. Done again it does nothing.
set -eu
cd "$(dirname "$0")"

chromium=${CHROMIUM:-/usr/bin/chromium}
if [ -n "${CHROMIUM:-}" ] && ! command -v "$chromium" >/dev/null; then
	echo "browser tests: CHROMIUM is $CHROMIUM, and there is no such program" >&2
	exit 1
fi

missing=
command -v "$chromium" >/dev/null || missing=" chromium"
for font in fonts-inter fonts-noto-color-emoji fonts-liberation; do
	dpkg-query -W -f '${Status}' "$font" 2>/dev/null | grep -q 'ok installed' || missing="$missing $font"
done

install() {
	echo "Installing$missing …"
	# shellcheck disable=SC2086
	../support/install.sh $missing
}

if [ -z "$missing" ] || install; then
	:
elif command -v "$chromium" >/dev/null; then
	echo "browser tests: missing, so that pictures look otherwise than elsewhere:$missing" >&2
else
	echo "browser tests: Chromium is needed, and only root may install it. On Debian, as root:" >&2
	echo "    apt-get install$missing" >&2
	echo "With another Chromium: CHROMIUM=/path/to/chromium" >&2
	exit 1
fi

command -v npm >/dev/null || { echo "browser tests: npm is needed; install Node.js 20 or later" >&2; exit 1; }
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
	PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --ignore-scripts --no-audit --no-fund
	touch node_modules/.package-lock.json
fi
