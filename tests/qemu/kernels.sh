# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Debian's kernels for emulated machines: sourced by whoever sets $deps, where
# they are kept unpacked.
: "${deps:?}"

# Of this Debian, and the oldest that Debian still keeps: tap claims no less.
# shellcheck disable=SC2034 # of who sources this
kernels=(current oldest)
oldest=bullseye # its kernel is 5.10

# The lists of the oldest Debian, by the machine's own sources.
oldest_apt()
{
	apt-get -q -o Dir::Etc::sourcelist="$deps/apt/sources.list" \
	    -o Dir::Etc::sourceparts=/dev/null \
	    -o Dir::State::lists="$deps/apt/lists" \
	    -o Dir::Cache="$deps/apt/cache" "$@"
}

oldest_sources()
{
	local codename

	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016 # apt's own
	apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE)' \
	    'Identifier: Packages' 'Component: main' |
	    sed -n "s|^Debian \\([^ ]*\\) $codename\\(.*\\)|deb \
[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \\1 $oldest\\2 \
main|p" | sort -u
}

# The package that linux-image-cloud-amd64 stands for.
image_of()
{
	sed -n 's/^ *Depends: \(linux-image-[0-9][^ ]*\).*/\1/p' | head -n 1
}

# fetch NAME: leaves the unpacked package in $deps/NAME
fetch()
{
	local image get=apt-get cache=apt-cache options=()

	mkdir -p "$deps/new-$1"
	if [ "$1" = oldest ]; then
		mkdir -p "$deps/apt/lists/partial" \
		    "$deps/apt/cache/archives/partial"
		oldest_sources >"$deps/apt/sources.list"
		[ -s "$deps/apt/sources.list" ] || return 1
		# In part is enough: the download tells.
		oldest_apt update || :
		get=oldest_apt
		options=(-o Dir::Etc::sourcelist="$deps/apt/sources.list"
			-o Dir::Etc::sourceparts=/dev/null
			-o Dir::State::lists="$deps/apt/lists"
			-o Dir::Cache="$deps/apt/cache")
	fi
	image=$($cache ${options[@]+"${options[@]}"} depends \
	    linux-image-cloud-amd64 2>/dev/null | image_of)
	if [ -z "$image" ] && [ "$1" = current ]; then
		apt-get -q update || :
		image=$(apt-cache depends linux-image-cloud-amd64 | image_of)
	fi
	[ -n "$image" ] || return 1
	(cd "$deps/new-$1" && $get download "$image") || return 1
	dpkg -x "$deps/new-$1"/*.deb "$deps/new-$1/root" || return 1
	mv "$deps/new-$1/root" "$deps/$1"
	rm -rf "$deps/new-$1"
}

# kernel NAME: its folder is $kernel
kernel()
{
	kernel=$1
	case $1 in
	*/*) return ;;
	esac
	kernel=$deps/$1
	[ ! -d "$kernel" ] || return 0
	mkdir -p "$deps"
	(
		flock 9
		[ -d "$kernel" ] || fetch "$1" >"$deps/$1.log" 2>&1 </dev/null
	) 9>"$deps/lock"
}
