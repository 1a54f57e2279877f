#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Makes .deps/libpcap or .deps/bearssl: a static library and its headers.
# usage: src/deps.sh libpcap|bearssl [SOURCE]   (CC, KERNEL, V from make)
#        src/deps.sh sources       the lines for apt, alone
#
# For another processor, ARCH, it is .deps/ARCH/libpcap, of the same source;
# HOST is its name for configure, AR its archiver.
#
# SOURCE is an unpacked source directory; it is copied, not changed. Without
# one, Debian's source package is fetched with a private copy of the machine's
# own apt sources. Everything is made in *.new and renamed last: what has its
# final name is complete.

set -eu
name=$1
source=${2:-}
mkdir -p ".deps/${ARCH:-}"
deps=$(cd .deps && pwd)
to=$deps${ARCH:+/$ARCH}
log=$to/$name.log
cflags="-O2 -fPIE -fstack-protector-strong -ffunction-sections \
	-fdata-sections -ffile-prefix-map=$to=. ${KERNEL:-}"

say()
{
	printf '  %-7s %s\n' "$1" "$2"
}

die()
{
	echo "src/deps.sh: $name: $1" >&2
	exit 1
}

# Runs a command with its output in the log, shown when it fails.
logged()
{
	if [ "${V:-}" = 1 ]; then
		"$@" </dev/null
		return
	fi
	"$@" >>"$log" 2>&1 </dev/null && return
	tail -n 30 "$log" >&2
	die "failed: $1 (all of it in $log)"
}

# deb-src lines for the machine's own Debian entries. Others (vendors') are
# left out: those signed by another key, and those naming no key whose suite
# is no Debian release; so are backports and what is not released yet. Other
# options, such as trusted=, are not taken over.
debian_sources()
{
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")
	set --
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
	    /etc/apt/sources.list.d/*.sources; do
		[ -r "$f" ] && set -- "$@" "$f"
	done
	[ $# -gt 0 ] || die 'apt has no sources here'
	awk -v codename="$codename" '
	function emit(types, uris, suites, parts, key,    u, s, i, j, n, m) {
		n = split(uris, u, " "); m = split(suites, s, " ")
		if (types !~ /^deb/ || (" " parts " ") !~ / main /)
			return
		for (i = 1; i <= n; i++)
			for (j = 1; j <= m; j++)
				if (ours(key, s[j]))
					print "deb-src [signed-by=" ring \
					    "] " u[i], s[j], "main"
	}
	function ours(key, suite) {
		if (suite ~ /-(backports|proposed)/ || suite ~ /experimental/)
			return 0
		ring = "/usr/share/keyrings/debian-archive-keyring.gpg"
		if (key != "") {
			ring = key
			return key ~ /\/debian-archive-keyring\.(gpg|pgp)$/
		}
		sub(/(-updates|-security|\/updates)$/, "", suite)
		return suite == codename || \
		    suite ~ /^(old|un)?stable$|^testing$|^sid$/
	}
	function flush() {
		if (tolower(f["enabled"]) !~ /no|false/)
			emit(f["types"], f["uris"], f["suites"], \
			    f["components"], f["signed-by"])
		split("", f); field = ""
	}
	FNR == 1 { flush() }
	/^[ \t]*#/ { next }
	FILENAME ~ /list$/ {
		key = ""; sub(/#.*/, "")
		if (match($0, /\[[^]]*\]/)) {
			key = tolower(substr($0, RSTART + 1, RLENGTH - 2))
			$0 = substr($0, 1, RSTART - 1) \
			    substr($0, RSTART + RLENGTH)
			if (!sub(/.*signed-by=/, "", key))
				key = ""
			sub(/ .*/, "", key)
		}
		type = $1; uri = $2; suite = $3; $1 = $2 = $3 = ""
		emit(type, uri, suite, $0, key)
		next
	}
	/^[ \t]*$/ { flush(); next }
	/^[^ \t]/ {
		field = tolower(substr($0, 1, index($0, ":") - 1))
		f[field] = substr($0, index($0, ":") + 1)
		gsub(/^[ \t]+|[ \t]+$/, "", f[field]); next
	}
	{ sub(/^[ \t]+/, ""); f[field] = f[field] " " $0 }
	END { flush() }' "$@" | sort -u
}

private_apt()
{
	apt-get -q -o Dir::Etc::sourcelist="$deps/apt/sources.list" \
	    -o Dir::Etc::sourceparts=/dev/null \
	    -o Dir::State::lists="$deps/apt/lists" \
	    -o Dir::Cache="$deps/apt/cache" "$@"
}

# Leaves the unpacked source in .deps/src/NAME.
fetch()
{
	if ! command -v apt-get || ! command -v dpkg-source; then
		die 'no Debian here: name its unpacked sources (make help)'
	fi >/dev/null
	say FETCH "$name"
	mkdir -p "$deps/src" "$deps/apt/lists/partial" \
	    "$deps/apt/cache/archives/partial"
	debian_sources >"$deps/apt/sources.list"
	[ -s "$deps/apt/sources.list" ] || die 'apt has no Debian sources here'
	# The two libraries share the lists. An update that fails in part may
	# still have brought what is needed: the download tells.  (Without this
	# mode, apt calls it a success when there is no network at all.)
	if [ ! -e "$deps/apt/updated" ]; then
		private_apt -o APT::Update::Error-Mode=any update \
		    >>"$log" 2>&1 </dev/null && : >"$deps/apt/updated"
	fi
	rm -rf "$deps/src/$name.new"
	mkdir "$deps/src/$name.new"
	cd "$deps/src/$name.new"
	logged private_apt source "$name"
	cd "$deps/.."
	mv "$deps/src/$name.new/$name"-*/ "$deps/src/$name"
	rm -rf "$deps/src/$name.new"
}

# Each builds in $work and installs into $out.
build_libpcap()
{
	cd "$work"
	CFLAGS=$cflags logged ./configure --disable-shared --disable-dbus \
	    --disable-rdma --without-libnl --disable-usb --disable-bluetooth \
	    ${HOST:+"--host=$HOST" --with-pcap=linux LDFLAGS=-static}
	logged make -j"$(nproc)" libpcap.a
	cp -R pcap.h pcap-bpf.h pcap-namedb.h pcap "$out/include"
	cp libpcap.a "$out"
}

build_bearssl()
{
	cd "$work"
	logged make -j"$(nproc)" lib CC="$CC" CFLAGS="$cflags" BUILD=tap-build \
	    AR="${AR:-ar}"
	cp inc/*.h "$out/include"
	cp tap-build/libbearssl.a "$out"
}

if [ "$name" = sources ]; then
	debian_sources
	exit
fi
# One at a time: both use the same lists, and two makes may run.
exec 9>"$deps/lock"
flock 9
[ ! -e "$to/$name/lib$name.a" ] || exit 0
: >"$log"
# The libraries' makes must not see the options of ours.
unset MAKEFLAGS MFLAGS MAKELEVEL || :
export CC

if [ -z "$source" ]; then
	source=$deps/src/$name
	[ -d "$source" ] || fetch
fi
[ -d "$source" ] || die "$source is not a directory"
say BUILD "$name"
work=$to/$name.work
out=$to/$name.new
rm -rf "$work" "$out" "${to:?}/$name"
mkdir -p "$out/include"
cp -R "$source" "$work"
chmod -R u+w "$work" # of a source that nobody may change
"build_$name"
cd "$to"
mv "$out" "$to/$name"
rm -rf "$work"
