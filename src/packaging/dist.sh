#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Makes tap-VERSION.tar.xz: the commit's files, and the libraries' sources
# where make looks for them, so that a build needs no network; .deps/SHA256SUMS
# in it is of all of these, and tap-VERSION.tar.xz.sha256 of it.
# usage: src/packaging/dist.sh FOLDER   (after the libraries' sources are here;
#        PCAP_SRC, BEARSSL_SRC)

set -eu
[ -e .git ] || {
	echo 'make dist: it is made of a commit, and this is no git repository' >&2
	exit 1
}
version=$(src/packaging/version.sh version)
epoch=$(src/packaging/version.sh epoch)
name=tap-$version
LC_ALL=C
export LC_ALL
umask 022
mkdir -p "$1"
to=$(cd "$1" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM

git -c safe.directory='*' archive --prefix="$name/" HEAD | tar -x -C "$dir"
echo "$version ${epoch:-0}" >"$dir/$name/.version"
mkdir -p "$dir/$name/.deps/src"
cp -R "${PCAP_SRC:-.deps/src/libpcap}" "$dir/$name/.deps/src/libpcap"
cp -R "${BEARSSL_SRC:-.deps/src/bearssl}" "$dir/$name/.deps/src/bearssl"
chmod -R u+w "$dir/$name/.deps/src"
rm -rf "$dir/$name/.deps/src"/*/.pc
cd "$dir/$name"
find . -type f ! -path ./SHA256SUMS -print0 | sort -z |
	xargs -0 sha256sum >"$dir/sums"
mv "$dir/sums" .deps/SHA256SUMS
cd "$dir"
tar -c --sort=name --format=ustar --mtime="@${epoch:-0}" --owner=0 --group=0 \
    --numeric-owner --mode=u+rw,go=rX "$name" | xz -T 1 >"$to/$name.tar.xz"
cd "$to"
sha256sum "$name.tar.xz" >"$name.tar.xz.sha256"
echo "$1/$name.tar.xz"
