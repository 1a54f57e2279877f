#!/bin/sh
# SPDX-License-Identifier: ISC
#
# Runs the linters over sources, scripts, completions and manual pages; each
# is one result of make check.
# usage: CFLAGS=... TIDY=deep|shallow tests/lint.sh SOURCE...
#
# The analyzer of clang-tidy looks deep into calls, for eight minutes of a
# processor; shallow, which is what make check has time for, in one.

set -u
status=0

lint()
{
	name=$1
	shift
	tests/run.sh --quiet "lint/$name" "$@" || status=1
}

clang_tidy()
{
	# shellcheck disable=SC2016,SC2086
	printf '%s\n' "$@" | xargs -P "$(nproc)" -I '{}' \
	    clang-tidy --quiet '{}' -- ${CFLAGS:-} -Xclang -analyzer-config \
	    -Xclang "mode=${TIDY:-deep}"
}

# With what each sources, and as many at once as there are processors.
shell_check()
{
	printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 shellcheck -x
}

case ${1:-} in
--clang-tidy)
	shift
	clang_tidy "$@"
	exit
	;;
--shellcheck)
	shift
	shell_check "$@"
	exit
	;;
esac
lint clang-tidy "$0" --clang-tidy "$@"
lint cppcheck cppcheck --quiet -j "$(nproc)" --error-exitcode=1 --inline-suppr \
    --enable=warning,performance,portability --std=c11 -D_GNU_SOURCE \
    "-D__$(uname -m)__" -I. -Isrc "$@"

# The same everywhere: `make format` makes it so.
# shellcheck disable=SC2046 # words
lint clang-format clang-format --dry-run -Werror \
    $(git ls-files '*.c' '*.h' 2>/dev/null || find src tests tap.[ch] -name '*.[ch]')

set -f
# shellcheck disable=SC2046 # one word a script: no name here has a blank
set -- $(grep -lIrE '^#! ?/.*[ /](ba|da)?sh( |$)' .ci src tests)
set +f
lint shellcheck "$0" --shellcheck "$@"
lint completions shellcheck -s bash .build/completions/tap.bash

set -- man/*.[1-8]
lint mandoc mandoc -T lint -W warning "$@"
exit $status
