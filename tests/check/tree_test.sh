#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The tree itself, and its entry points.

# Print the files of the tree: the tracked ones if git knows them.
files() {
	cd "$TOP" || exit 1
	if [ -e .git ] && command -v git >/dev/null; then
		git -c safe.directory="$TOP" ls-files -co --exclude-standard
	else
		find . -path ./obj -prune -o -path ./.git -prune -o \
		    -type f -print | sed 's,^\./,,'
	fi
}

atf_test_case paths
paths_head() {
	atf_set descr "no file names a directory of one machine"
}
paths_body() {
	(cd "$TOP" && files | grep -v ' ' |
	    xargs grep -HnIE '/[w]ork/|/[r]oot/|/[h]ome/') > hits
	atf_check cat hits
}

atf_test_case licence
licence_head() {
	atf_set descr "each source states its licence"
}
licence_body() {
	(cd "$TOP" &&
	    files | grep -E '\.([chS]|cc|sh|mk|[1379])$|Makefile$|Kyuafile$' |
	    xargs awk '
		FNR == 1 { want[FILENAME] }
		FNR <= 8 && /Identifier: BSD-2-Clause/ { delete want[FILENAME] }
		END { for (f in want) print f }') > hits
	atf_check cat hits
}

atf_test_case style
style_head() {
	atf_set descr "80 columns, no blanks at line ends, a newline at the end"
}
style_body() {
	(cd "$TOP" &&
	    files | grep -E '\.([ch]|cc|sh|mk|[1379]|ltl|pml)$|Makefile$' |
	    while read -r f; do
		[ ! -f "$f" ] || echo "$f"
	done) > list
	(cd "$TOP" && xargs awk '
		function width(s,    i, n) {
			n = 0
			while ((i = index(s, "\t")) > 0) {
				n += i - 1
				n += 8 - n % 8
				s = substr(s, i + 1)
			}
			return n + length(s)
		}
		width($0) > 80 { print FILENAME ":" FNR ": too long" }
		/[ \t\r]$/ { print FILENAME ":" FNR ": a blank at the end" }
	') < list > hits
	# One byte of each file; the shell keeps no newlines.
	if [ -n "$(cd "$TOP" && xargs tail -q -c 1 < "$OLDPWD/list")" ]; then
		while read -r f; do
			[ -z "$(tail -c 1 "$TOP/$f")" ] ||
			    echo "$f: no newline"
		done < list >> hits
	fi
	atf_check cat hits
}

atf_test_case forks
forks_head() {
	atf_set descr "tests fork by test_fork(), which waits until no thread" \
	    "is in a sanitizer's allocator"
}
forks_body() {
	(cd "$TOP" && grep -rnE '(=|\(|return) *v?fork\(\)' tests/sys) |
	    grep -v '/h_\(plant\|simcall\|simwait\|trace\)\.c:' > hits
	atf_check cat hits
}

atf_test_case readme
readme_head() {
	atf_set descr "each file that the README names exists"
}
readme_body() {
	local p

	sed -n '/^Layout/,$ s/^    \([a-zA-Z/_.]*\)  .*/\1/p' \
	    "$TOP/README" | while read -r p; do
		[ -e "$TOP/$p" ] || echo "$p"
	done > hits
	atf_check cat hits
}

atf_test_case example
example_head() {
	atf_set descr "the README's program does what the README says"
}
example_body() {
	export PKG_CONFIG_PATH="$STAGE/lib/pkgconfig"
	sed -n '/^    #include <sys/,/^[^ ]/s/^    //p' "$TOP/README" > hello.c
	atf_check ${CC} -Wall -Wextra -Wno-unused-parameter -Werror \
	    $SANFLAGS -o hello hello.c $(pkg-config --cflags --libs workqueue)
	atf_check -o inline:'hello from the worker, world\n' \
	    env LD_LIBRARY_PATH="$STAGE/lib" ./hello
}

atf_test_case buildsh
buildsh_head() {
	atf_set descr "build.sh rejects unknown arguments"
}
buildsh_body() {
	atf_check -s exit:2 -e match:'usage:' "$TOP/build.sh" frobnicate
	atf_check -s exit:2 -e match:'usage:' "$TOP/build.sh"
	atf_check -s exit:2 -e match:'usage:' "$TOP/build.sh" demo test
}

atf_test_case variables
variables_head() {
	atf_set descr "a wrong HOST or SAN is rejected with a clear message"
}
variables_body() {
	atf_check -s not-exit:0 -e match:'HOST is "vax"' -o ignore \
	    env -C "$TOP" bmake -n HOST=vax OBJROOT="$PWD/obj"
	atf_check -s not-exit:0 -e match:'SAN is "memory"' -o ignore \
	    env -C "$TOP" bmake -n SAN=memory OBJROOT="$PWD/obj"
}

atf_init_test_cases() {
	atf_add_test_case paths
	atf_add_test_case licence
	atf_add_test_case style
	atf_add_test_case forks
	atf_add_test_case readme
	atf_add_test_case example
	atf_add_test_case buildsh
	atf_add_test_case variables
}
