#!/bin/sh
#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# pick.sh top objtop test ...: find the tests that T= names.  A name is a path,
# as kyua prints it, or starts with the program: workqueue_test:visibility.
# For each, objtop/test.pick gets the directory, what to build there, and the
# full name.  Kyua rejects a Kyuafile that names a program that is not built, so
# objtop/pick gets Kyuafiles with these programs only.  Kyua also rejects a
# filter that another one contains; objtop/test.names has the others.

top=$1 obj=$2
shift 2
cd "$top" || exit 1

head()
{
	echo "syntax(2)"
	echo "test_suite('libworkqueue')"
}

rm -rf "$obj/pick"
mkdir "$obj/pick" || exit 1
for t; do
	path=${t%%:*}
	case $path in
	*/*|tests)	;;
	*)
		path=$(find tests -name "$path.c" -o -name "$path.cc" \
		    -o -name "$path.sh")
		path=${path%.*}
		;;
	esac
	path=${path%/}
	name=$path
	[ "${t#*:}" = "$t" ] || name=$path:${t#*:}
	case $path in
	*_test)
		dirs=${path%/*} program=${path##*/} only=$program
		;;
	*)
		dirs=$(find "$path" -name Kyuafile 2>/dev/null |
		    sed 's,/Kyuafile,,')
		program=all only=.*
		;;
	esac
	found=no
	for dir in $dirs; do
		lines=$(grep "^atf_test_program.*name='$only'" \
		    "$dir/Kyuafile") || continue
		mkdir -p "$obj/pick/$dir"
		echo "$lines" >> "$obj/pick/$dir/lines"
		echo "$dir $program $name"
		found=yes
	done
	if [ $found = no ]; then
		echo "pick.sh: there is no test $t" >&2
		exit 1
	fi
done > "$obj/test.pick"

cut -d ' ' -f 3 "$obj/test.pick" | LC_ALL=C sort -u | awk '
	last == "" || (index($0, last ":") != 1 && index($0, last "/") != 1) {
		print
		last = $0
	}' > "$obj/test.names"

cd "$obj/pick" || exit 1
head > Kyuafile
find . -name lines | sed 's,^\./,,; s,/lines$,,' | while read -r dir; do
	echo "include('$dir/Kyuafile')" >> Kyuafile
	{ head; sort -u "$dir/lines"; } > "$dir/Kyuafile"
done
