#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Makes tap-VERSION-1.ARCHITECTURE.rpm, where rpmbuild is there, of the spec
# that is among the examples.
# usage: src/packaging/rpm.sh FOLDER

set -eu
mkdir -p "$1"
to=$(cd "$1" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
command -v rpmbuild >/dev/null || {
	echo 'make rpm: rpmbuild is not here' >&2
	exit 1
}
SOURCE_DATE_EPOCH=$(src/packaging/version.sh epoch)
export SOURCE_DATE_EPOCH
rpmbuild --quiet -bb --build-in-place --define "_topdir $dir" \
    --define "_rpmdir $dir/rpms" \
    --define "version_of_tap $(src/packaging/version.sh version)" \
    --define '__os_install_post %{nil}' --define '_buildhost localhost' \
    --define 'use_source_date_epoch_as_buildtime 1' \
    --define 'clamp_mtime_to_source_date_epoch 1' man/examples/tap.spec
mv "$dir"/rpms/*/*.rpm "$to"
ls "$to"/tap-*.rpm
