#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Makes tap_VERSION_ARCHITECTURE.deb of what make install installs; dpkg-deb
# alone is needed.  The same sources give the same file: names, times, sizes and
# owners are those of the package, not of who made it, and where.
# usage: src/packaging/deb.sh FOLDER ARCHITECTURE   (MAKE; DEBFULLNAME, DEBEMAIL;
#        STATIC, PCAP_SRC, BEARSSL_SRC, LIBS_DIR: see sbom.sh)

set -eu
to=$1 arch=$2
here=src/packaging
version=$($here/version.sh version)
epoch=$($here/version.sh epoch)
LC_ALL=C
export LC_ALL
umask 022
: "${MAKE:=make}" "${LIBS_DIR:=.deps}" "${DEBFULLNAME:=The tap authors}"
maintainer="$DEBFULLNAME <${DEBEMAIL:=authors@tap.invalid}>"
command -v dpkg-deb >/dev/null || {
	echo 'make deb: dpkg-deb is not here' >&2
	exit 1
}
# Two may be made at once.
mkdir -p .build "$to"
dir=$(mktemp -d .build/deb.XXXXXXXX)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
root=$dir/root
doc=$root/usr/share/doc/tap

# SOURCE VERSION of what is linked in.
built_using()
{
	for name in libpcap bearssl; do
		[ ! -r ".deps/src/$name/debian/changelog" ] ||
			sed -n '1s/^\([^ ]*\) (\([^)]*\)).*/\1 (= \2)/p' \
			    ".deps/src/$name/debian/changelog"
	done
	if [ -r "$LIBS_DIR/root/of/musl-dev" ]; then
		sed 's/^[^_]*_\([^_]*\)_.*/musl (= \1)/' \
		    "$LIBS_DIR/root/of/musl-dev"
		return
	fi
	# shellcheck disable=SC2016 # dpkg's own
	dpkg-query -W -f '${source:Package} (= ${source:Version})\n' musl-dev \
	    2>/dev/null || :
}

# In KiB, as dpkg-gencontrol counts: a file system's own blocks are not in it.
installed_size()
{
	find "$root" ! -path "$root/DEBIAN*" \( -type f -printf '%s\n' -o \
	    -printf '1\n' \) | awk '{ sum += int(($1 + 1023) / 1024) }
	    END { print sum }'
}

control()
{
	cat <<-END
	Package: tap
	Version: $version
	Architecture: $arch
	Maintainer: $maintainer
	Section: net
	Priority: optional
	Installed-Size: $(installed_size)
	Built-Using: $(built_using | paste -sd , - | sed 's/,/, /g')
	Recommends: nftables | iptables
	Suggests: qrencode
	Description: TCP services that only key holders can see
	 A connection proves itself inside its own SYN packets: there is no open
	 port, no time window and no trusted address, and neither the service
	 nor its clients change. To everybody else the port is one that a
	 firewall drops.
	 .
	 This is both ends of it, and what measures whether it works: a port
	 scan, a test of the network between, and attacks with replays.
	END
}

# In the form that Debian wants it; tap-news(7) has the news.
changelog()
{
	cat <<-END
	tap ($version) unstable; urgency=medium

	  * See tap-news(7).

	 -- $maintainer  $(date -u -R -d "@$SOURCE_DATE_EPOCH")
	END
}

"$MAKE" -s install DESTDIR="$PWD/$root" PREFIX=/usr SYSCONFDIR=/etc \
    UNITDIR=/lib/systemd/system ZSHDIR=/usr/share/zsh/vendor-completions \
    FISHDIR=/usr/share/fish/vendor_completions.d >/dev/null
# Not before: else tap would be made anew, of 1970.
SOURCE_DATE_EPOCH=${epoch:-0}
export SOURCE_DATE_EPOCH
chmod 0755 "$root/etc/tap" # until postinst: dpkg asks for no other
gzip -9n "$root"/usr/share/man/man?/*
changelog | gzip -9n >"$doc/changelog.gz"
$here/copyright.sh >"$doc/copyright"
$here/sbom.sh "$root/usr/bin/tap" >"$doc/tap.spdx"
install -D -m 0644 $here/deb/lintian-overrides \
    "$root/usr/share/lintian/overrides/tap"
mkdir "$root/DEBIAN"
for script in postinst prerm postrm; do
	install -m 0755 "$here/deb/$script" "$root/DEBIAN"
done
control >"$root/DEBIAN/control"
(cd "$root" && find . -type f ! -path './DEBIAN/*' ! -path './etc/*' -print0 |
	sort -z | xargs -0 md5sum | sed 's|\./||') >"$root/DEBIAN/md5sums"
file=tap_${version}_$arch.deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$dir/$file" >/dev/null
# One is there at the end, for apt install ./tap_*.deb.
for old in "$to/"tap_*"_$arch.deb"; do
	[ "$old" = "$to/$file" ] || rm -f "$old"
done
mv -f "$dir/$file" "$to/$file"
echo "$to/$file"
