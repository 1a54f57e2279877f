#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Unpacks Debian's packages of another processor into .deps/PROCESSOR/root:
# nothing of it is installed, and the machine's own apt is left alone.
# usage: src/packaging/foreign.sh PROCESSOR DEBIAN'S-NAME-FOR-IT PACKAGE...

set -eu
name=$1
arch=$2
shift 2
deps=$(mkdir -p ".deps/$name" && cd ".deps/$name" && pwd)

say()
{
	printf '  %-7s %s\n' "$1" "$2"
}

die()
{
	echo "src/packaging/foreign.sh: $name: $1" >&2
	exit 1
}

sources()
{
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
	# It has the compiler, but neither musl nor a linker for Debian 13's.
	[ "$arch" != riscv64 ] || [ "$codename" != bookworm ] ||
		die 'Debian 12 has no musl for it: build it on Debian 13'
	src/deps.sh sources | sed "s/^deb-src \[/deb [arch=$arch /"
}

private_apt()
{
	apt-get -q -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
	    -o APT::Sandbox::User=root -o Acquire::Languages=none \
	    -o Dir::Etc::sourcelist="$deps/apt/sources.list" \
	    -o Dir::Etc::sourceparts=/dev/null \
	    -o Dir::State::lists="$deps/apt/lists" \
	    -o Dir::State::status=/dev/null \
	    -o Dir::Cache="$deps/apt/cache" "$@" >>"$deps/apt/log" 2>&1
}

exec 9>"$deps/lock"
flock 9
missing=
for package in "$@"; do
	[ -e "$deps/root/of/$package" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get || ! command -v dpkg-deb; then
	die 'no Debian here'
fi >/dev/null
say FETCH "$name:$missing"
mkdir -p "$deps/apt/lists/partial" "$deps/apt/cache/archives/partial" \
    "$deps/root/of"
if [ ! -e "$deps/apt/updated" ]; then
	sources >"$deps/apt/sources.list"
	[ -s "$deps/apt/sources.list" ] || die 'apt has no Debian sources here'
	# As in src/deps.sh: the download tells.
	! private_apt -o APT::Update::Error-Mode=any update ||
		: >"$deps/apt/updated"
fi
for package in $missing; do
	new=$deps/new
	rm -rf "$new"
	mkdir "$new"
	(cd "$new" && private_apt download "$package") || {
		tail -n 5 "$deps/apt/log" >&2
		die "$package cannot be had"
	}
	dpkg-deb -x "$new"/*.deb "$deps/root"
	basename "$new"/*.deb >"$deps/root/of/$package"
	rm -rf "$new"
done
