#!/bin/sh
# Installs Debian's packages that are named, or fails without a word: only root may. Who comes while
# another one installs waits, where apt-get would refuse.
set -eu

as_root=
[ "$(id -u)" = 0 ] || as_root="sudo -n"
command -v apt-get >/dev/null && $as_root true 2>/dev/null || exit 1

exec 9>"${TMPDIR:-/tmp}/vigie-install-$(id -u).lock"
flock 9
$as_root apt-get update -qq
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
