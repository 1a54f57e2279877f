#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Makes tap_VERSION_ARCHITECTURE.deb of what make install installs; dpkg-deb
# alone is needed.  The same sources give the same file: names, times and
# owners are those of the package, not of who made it.
# usage: src/packaging/deb.sh FOLDER ARCHITECTURE   (MAKE; DEBFULLNAME, DEBEMAIL)

set -eu
to=$1 arch=$2
here=src/packaging
version=$($here/version.sh version)
epoch=$($here/version.sh epoch)
SOURCE_DATE_EPOCH=${epoch:-0}
LC_ALL=C
export SOURCE_DATE_EPOCH LC_ALL
umask 022
: "${MAKE:=make}" "${DEBFULLNAME:=The tap authors}"
# Whoever made the commit, if nobody says that he makes the package.
: "${DEBEMAIL:=$(git log -1 --format=%ae 2>/dev/null || :)}"
maintainer="$DEBFULLNAME <${DEBEMAIL:-authors@tap.invalid}>"
root=.build/deb/$arch
doc=$root/usr/share/doc/tap

# SOURCE VERSION of what is linked in.
built_using()
{
	for name in libpcap bearssl; do
		[ ! -r ".deps/src/$name/debian/changelog" ] ||
			sed -n '1s/^\([^ ]*\) (\([^)]*\)).*/\1 (= \2)/p' \
			    ".deps/src/$name/debian/changelog"
	done
	# shellcheck disable=SC2016 # dpkg's own
	dpkg-query -W -f '${source:Package} (= ${source:Version})\n' musl-dev \
	    2>/dev/null || :
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
	Installed-Size: $(du -k -s --apparent-size "$root" | cut -f 1)
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

rm -rf "$root"
"$MAKE" -s install DESTDIR="$PWD/$root" PREFIX=/usr SYSCONFDIR=/etc \
    UNITDIR=/lib/systemd/system ZSHDIR=/usr/share/zsh/vendor-completions \
    FISHDIR=/usr/share/fish/vendor_completions.d >/dev/null
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
mkdir -p "$to"
rm -f "$to/"tap_*"_$arch.deb"
file=$to/tap_${version}_$arch.deb
dpkg-deb --root-owner-group -Zxz --build "$root" "$file" >/dev/null
rm -rf "$root"
echo "$file"
