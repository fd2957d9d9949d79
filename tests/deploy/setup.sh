#!/bin/sh
# What the tests of config/cluster need on this machine: Debian's HAProxy and Redis. Done again it
# does nothing.
set -eu
cd "$(dirname "$0")"

missing=
command -v haproxy >/dev/null || missing="$missing haproxy"
command -v redis-server >/dev/null || missing="$missing redis-server"
[ -n "$missing" ] || exit 0

echo "Installing$missing …"
# shellcheck disable=SC2086
if ! ../support/install.sh $missing; then
	echo "deployment tests: these are needed, and only root may install them. On Debian, as root:" >&2
	echo "    apt-get install$missing" >&2
	exit 1
fi
