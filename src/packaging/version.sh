#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What this is: of which version and time, and made of what.
# usage: src/packaging/version.sh version     0.2.0, or 0.2.0+5.g1a2b3c4
#        src/packaging/version.sh epoch       seconds since 1970, or nothing
#        src/packaging/version.sh libraries   NAME VERSION, a line each
#        src/packaging/version.sh c FEATURES  a source that tells it
#        (STATIC=musl's folder, or nothing; PCAP_SRC, BEARSSL_SRC)
#
# The tag tells, where there is one that is a version to dpkg and rpm both
# (v1.0-rc1 is 1.0~rc1, before 1.0); in what make dist made, the file .version;
# and else tap.h.  The time is SOURCE_DATE_EPOCH, or when the commit was made:
# never that of the clock, so that who builds it again gets the same.

set -eu

# The repository that this is, not one that it may lie in.
repository()
{
	[ -e .git ] && command -v git >/dev/null
}

# Also for root in the folder of who built it, so that both make the same.
of_git()
{
	git -c safe.directory='*' "$@" 2>/dev/null
}

version()
{
	v=
	if [ -r .version ]; then
		read -r v _ <.version
	elif repository; then
		v=$(of_git describe --tags --match 'v[0-9]*') || v=
		v=$(echo "$v" | sed 's/^v//
			s/-\([0-9]*\)-\(g[0-9a-f]*\)$/+\1.\2/; s/-/~/g')
	fi
	case $v in
	'' | *[!0-9A-Za-z.+~]*)
		sed -n 's/^#define TAP_VERSION "\(.*\)"/\1/p' tap.h
		;;
	*) echo "$v" ;;
	esac
}

epoch()
{
	if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then
		echo "$SOURCE_DATE_EPOCH"
	elif [ -r .version ]; then
		sed 's/.* //' .version
	elif repository; then
		of_git log -1 --format=%ct || :
	fi
}

# NAME FOLDER: by Debian's changelog, a file VERSION, or the folder's name
source_version()
{
	[ -d "$2" ] || return 0
	if [ -r "$2/debian/changelog" ]; then
		sed -n "1s/^[^(]*(\([^)+-]*\).*/$1 \1/p" "$2/debian/changelog"
	elif [ -r "$2/VERSION" ]; then
		echo "$1 $(cat "$2/VERSION")"
	else
		echo "$1 $(cd "$2" && pwd | sed 's/.*[^0-9.]//')"
	fi
}

libraries()
{
	[ -n "${STATIC:-}" ] || return 0
	if [ -r "$STATIC/libc.a" ]; then
		{
			ar p "$STATIC/libc.a" version.lo ||
				ar p "$STATIC/libc.a" version.o
		} 2>/dev/null | tr -c '0-9.' '\n' | sed -n 's/^[0-9][0-9]*\.[0-9][0-9]*\.[0-9].*/musl &/p'
	fi
	source_version libpcap "${PCAP_SRC:-.deps/src/libpcap}"
	source_version BearSSL "${BEARSSL_SRC:-.deps/src/bearssl}"
}

# Days are UTC's everywhere.
day()
{
	date -u -d "@$1" +%Y-%m-%d 2>/dev/null || date -u -r "$1" +%Y-%m-%d
}

case $1 in
version | epoch | libraries)
	"$1"
	;;
c)
	seconds=$(epoch)
	with=$(libraries | paste -sd , - | sed 's/,/, /g')
	cat <<-END
	#include "tap.h"
	const char tap_version[] = "$(version)";
	const char tap_built[] = "${seconds:+of $(day "$seconds")\\n}"
	"libraries: ${with:-those of the system}\\n"
	"features: ${2:-none}\\n";
	END
	;;
esac
