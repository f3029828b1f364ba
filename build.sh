#!/bin/sh
#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# build.sh: install the packages that are missing on a fresh machine, and build
# the library.

set -u
top=$(cd "$(dirname "$0")" && pwd -P) || exit 1

usage()
{
	cat >&2 <<'EOU'
usage: ./build.sh demo | test | bench | deps
	demo	build, and hash the files of this tree on all CPUs
	test	build, and run the whole test suite
	bench	build, and measure against other libraries, for 20 minutes;
		QUICK=1 in the environment: 3; see man/workqueue_bench.7
	deps	install what "demo" and "test" need, and no more
Each installs missing packages by the system's package manager, or names them.
EOU
	exit 2
}

say()
{
	echo "build.sh: $*"
}

die()
{
	echo "build.sh: $*" >&2
	exit 1
}

# Debian's packages.
build_packages="bmake gcc libc6-dev libbsd-dev libmd-dev pkg-config"
test_packages="kyua libatf-dev atf-sh mandoc g++ clang spin relacy-dev procps \
    libivykis-dev libclang-rt-dev llvm valgrind cmake meson abigail-tools \
    python3 systemtap-sdt-dev gdb"
# The libraries that the benchmark compares, and gnuplot for its pictures.
bench_packages="g++ libuv1-dev libglib2.0-dev libivykis-dev libtbb-dev \
    liburcu-dev gnuplot-nox"
# One test needs this.  Do not install it where it would replace another system
# logger.
logger_package=syslog-ng-core

# Print the command prefix with which this user may install packages; fail if
# there is none.
installer()
{
	if [ "$(id -u)" -eq 0 ]; then
		echo env
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		echo "sudo -n"
	else
		return 1
	fi
}

need_debian()
{
	missing=
	for p; do
		s=$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)
		[ "$s" = installed ] || missing="$missing $p"
	done
	if [ -z "$missing" ]; then
		say "all packages are there"
		return 0
	fi
	if ! as=$(installer); then
		die "these packages are missing, and may only be installed by" \
		    "root:$missing
Type, as root: apt-get install$missing"
	fi
	say "installing by apt-get:$missing"
	if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then
		$as apt-get -q update || die "apt-get update failed"
	fi
	install="$as env DEBIAN_FRONTEND=noninteractive \
	    apt-get -q -y install --no-install-recommends"
	# Old package lists may name packages that no longer exist, so update
	# the lists once and try again.
	# shellcheck disable=SC2086
	$install $missing || { $as apt-get -q update && $install $missing; } ||
	    die "apt-get could not install:$missing"
}

# On other systems install nothing: look for what is needed, and name what is
# missing.
need_other()
{
	missing=
	for p; do
		case $p in
		libc6-dev)	continue ;;
		libatf-dev)	pkg-config --exists atf-c ;;
		libivykis-dev|libuv1-dev|libglib2.0-dev|libtbb-dev|liburcu-dev)
			continue ;;		# optional
		gnuplot-nox)	continue ;;
		libbsd-dev)	pkg-config --exists libbsd ;;
		libmd-dev)	pkg-config --exists libmd ;;
		procps)		command -v ps ;;
		gcc)		command -v cc ;;
		llvm)		command -v llvm-symbolizer ;;
		gdb|systemtap-sdt-dev) continue ;;	# optional
		libclang-rt-dev) continue ;;	# a part of clang
		abigail-tools)	continue ;;	# optional
		*)		command -v "$p" ;;
		esac >/dev/null 2>&1 || missing="$missing ${p%-dev}"
	done
	[ -z "$missing" ] && return 0
	for m in pkg pkgin pkg_add brew dnf zypper pacman apk; do
		command -v $m >/dev/null && break
		m=
	done
	die "these are missing, and this system is not Debian, so build.sh" \
	    "installs nothing:$missing
Install them${m:+ with $m} and type the same again."
}

# Print the packages that "test" needs on this system.
tests()
{
	echo "$build_packages $test_packages"
	command -v dpkg-query >/dev/null || return 0
	dpkg-query -W -f '${Package} ${db:Status-Status} ${Provides}\n' |
	    grep ' installed .*system-log-daemon' |
	    grep -qv "^$logger_package " || echo "$logger_package"
}

need()
{
	if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null
	then
		need_debian "$@"
	else
		need_other "$@"
	fi
}

build()
{
	jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
	say "bmake -j$jobs $1"
	cd "$top" || exit 1
	bmake -j"$jobs" "$1"
}

[ $# -eq 1 ] || usage
case $1 in
demo)
	# shellcheck disable=SC2086
	need $build_packages
	build all || die "the build failed"
	exec sh "$top/share/examples/demo.sh"
	;;
test)
	# shellcheck disable=SC2086
	need $(tests)
	build all || die "the build failed"
	build test || die "the tests failed"
	;;
bench)
	# shellcheck disable=SC2086
	need $build_packages $bench_packages
	build all || die "the build failed"
	cd "$top" && exec bmake bench
	;;
deps)
	# shellcheck disable=SC2086
	need $(tests)
	;;
*)
	usage
	;;
esac
