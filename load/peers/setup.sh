#!/bin/sh
# What the peers need that `make bench` compares with: packages of npm, Debian's nats-server, and
# Debian's Go with its Centrifuge library. Done again it does nothing. What cannot be had is named and
# left out: the bench then says that this peer is missing, and goes on without it.
set -eu
cd "$(dirname "$0")"

built=${1:-../../target/peers}
mkdir -p "$built"

missing=
has() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }
command -v nats-server >/dev/null || missing="$missing nats-server"
# The library's package does not name all that the library needs.
centrifuge=
for part in centrifugal-centrifuge centrifugal-protocol fzambia-eagle igm-sockjs-go mna-redisc; do
	centrifuge="$centrifuge golang-github-$part-dev"
done
if [ ! -x "$built/centrifuge" ]; then
	command -v go >/dev/null || missing="$missing golang-go"
	for package in $centrifuge; do
		has "$package" || missing="$missing $package"
	done
fi

as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"
if [ -n "$missing" ]; then
	if command -v apt-get >/dev/null && $as_root true 2>/dev/null; then
		echo "Installing$missing …"
		$as_root apt-get update -qq
		for package in $missing; do
			$as_root env DEBIAN_FRONTEND=noninteractive \
				apt-get install -y -qq --no-install-recommends "$package" >/dev/null ||
				echo "peers: apt-get cannot install $package" >&2
		done
	else
		echo "peers: only root may install what is missing. On Debian, as root:" >&2
		echo "    apt-get install$missing" >&2
	fi
fi

# Debian keeps Go's libraries where they are found without modules, and without any download.
if command -v go >/dev/null && has golang-github-centrifugal-centrifuge-dev; then
	if [ ! -x "$built/centrifuge" ] || [ centrifuge/main.go -nt "$built/centrifuge" ]; then
		echo "Building the relay on Centrifuge …"
		GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS=-trimpath \
			go build -o "$built/centrifuge" ./centrifuge/main.go ||
			echo "peers: the relay on Centrifuge cannot be built" >&2
	fi
fi

if ! command -v npm >/dev/null; then
	echo "peers: npm is needed for socket.io and ws; install Node.js 20 or later" >&2
elif [ ! -e node/node_modules/.package-lock.json ] || [ node/package-lock.json -nt node/node_modules/.package-lock.json ]; then
	npm ci --ignore-scripts --no-audit --no-fund --prefix node
	touch node/node_modules/.package-lock.json
fi
