#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What is in a binary, as SPDX 2.3 has it: versions, licences, hashes. Of the
# libraries, the hash is that of the archive that was linked, and the
# verification code that of all files of its source.
# usage: src/packaging/sbom.sh BINARY   (STATIC: musl's folder; PCAP_SRC,
#        BEARSSL_SRC; LIBS_DIR, where the archives are)

set -eu
here=src/packaging
: "${LIBS_DIR:=.deps}"
: "${STATIC:=/usr/lib/$(gcc -print-multiarch | sed 's/-gnu.*/-musl/')}"
export STATIC
version=$($here/version.sh version)
epoch=$($here/version.sh epoch)

sha256()
{
	sha256sum "$1" | cut -d ' ' -f 1
}

# SPDX's own: the hash of the hashes, in their order.
verification()
{
	(cd "$1" && find . -type f ! -path './.pc/*' -print0 |
		xargs -0 sha1sum) | cut -d ' ' -f 1 | LC_ALL=C sort |
		tr -d '\n' | sha1sum | cut -d ' ' -f 1
}

# NAME LICENCE COPYRIGHT ARCHIVE [SOURCE]
library()
{
	of=$($here/version.sh libraries | sed -n "s/^$1 //p")
	cat <<-END

	PackageName: $1
	SPDXID: SPDXRef-$1
	PackageVersion: ${of:-NOASSERTION}
	PackageDownloadLocation: NOASSERTION
	FilesAnalyzed: $([ -n "${5:-}" ] && echo true || echo false)
	END
	[ -z "${5:-}" ] || echo "PackageVerificationCode: $(verification "$5")"
	cat <<-END
	PackageChecksum: SHA256: $(sha256 "$4")
	PackageLicenseConcluded: $2
	PackageLicenseDeclared: $2
	PackageCopyrightText: $3
	PackageComment: The checksum is of $(basename "$4"), as it was linked.
	Relationship: SPDXRef-tap STATIC_LINK SPDXRef-$1
	END
}

cat <<END
SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: tap-$version
DocumentNamespace: urn:tap:$version:$(sha256 "$1")
Creator: Tool: sbom.sh-$version
Created: $(date -u -d "@${epoch:-0}" +%Y-%m-%dT%H:%M:%SZ)

PackageName: tap
SPDXID: SPDXRef-tap
PackageVersion: $version
PackageDownloadLocation: NOASSERTION
FilesAnalyzed: false
PackageChecksum: SHA256: $(sha256 "$1")
PackageLicenseConcluded: ISC AND BSD-3-Clause AND MIT
PackageLicenseDeclared: ISC
PackageCopyrightText: 2026 The tap authors
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-tap
END
library musl MIT '2005-2020 Rich Felker, et al.' "$STATIC/libc.a"
library libpcap BSD-3-Clause 'The Regents of the University of California' \
    "$LIBS_DIR/libpcap/libpcap.a" "${PCAP_SRC:-.deps/src/libpcap}"
library BearSSL MIT '2016-2018 Thomas Pornin' \
    "$LIBS_DIR/bearssl/libbearssl.a" "${BEARSSL_SRC:-.deps/src/bearssl}"
