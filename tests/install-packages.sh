#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Sees to it that what PURPOSE needs is on this machine.
# usage: tests/install-packages.sh [--name] PURPOSE PACKAGE[=COMMAND|=FILE]...
#
# --name installs nothing: it names what is missing, with the command for it.
# A package counts as there when its command is in the path (by default the
# one of its own name) or its file exists, whichever package brought it. As
# root on Debian the missing ones are installed; otherwise they are named and
# the exit status is 1.

set -eu
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export PATH
name_only=false
if [ "$1" = --name ]; then
	name_only=true
	shift
fi
purpose=$1
shift

missing=
for entry in "$@"; do
	case $entry in
	*=/*) [ -e "${entry#*=}" ] && continue ;;
	*) command -v "${entry#*=}" >/dev/null && continue ;;
	esac
	missing="$missing ${entry%%=*}"
done
[ -n "$missing" ] || exit 0

debian()
{
	[ -e /etc/debian_version ] && command -v apt-get >/dev/null
}

if $name_only || ! debian || [ "$(id -u)" -ne 0 ]; then
	echo "$purpose needs these packages, which are missing:$missing" >&2
	if debian; then
		echo "as root: apt-get install$missing" >&2
		! $name_only || echo "or, which does that: make deps" >&2
	fi
	exit 1
fi
echo "$purpose needs packages; installing now:$missing"

# Packages such as nginx start their service on installation. They do so
# through these two programs, which in a mount namespace of this installation's
# own do nothing; it ends with it, however it ends. Where there is no such
# namespace (a plain container) there is no init either, and no service starts.
# shellcheck disable=SC2016 # expanded by the inner shell
hush='for f in /usr/sbin/invoke-rc.d /usr/bin/deb-systemd-invoke; do
	[ ! -e "$f" ] || mount --bind /bin/true "$f"; done; exec "$@"'

# Nothing that is there is removed to make room.
install()
{
	set -- apt-get install -y -q --no-install-recommends --no-remove \
	    -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 "$@"
	export DEBIAN_FRONTEND=noninteractive
	if unshare --mount true 2>/dev/null; then
		unshare --mount sh -ec "$hush" sh "$@"
	else
		"$@"
	fi
}

has_lists()
{
	for f in /var/lib/apt/lists/*Packages*; do
		[ ! -e "$f" ] || return 0
	done
	return 1
}

# The lists may be absent, or older than the archive.
# shellcheck disable=SC2086 # a list of package names
if has_lists && install $missing </dev/null; then
	exit 0
fi
apt-get update -q
# shellcheck disable=SC2086
install $missing </dev/null
