#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The tree itself, and its front doors.

# Files of the tree: tracked ones where that is known.
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
	atf_set descr "no file names a place of one machine"
}
paths_body() {
	(files | while read -r f; do
		grep -HnIE '/[w]ork/|/[r]oot/|/[h]ome/' "$TOP/$f"
	done) > hits
	atf_check cat hits
}

atf_test_case licence
licence_head() {
	atf_set descr "each source says its licence"
}
licence_body() {
	(files | grep -E '\.([chS]|cc|sh|mk|[379])$|Makefile$|Kyuafile$' |
	    while read -r f; do
		head -n 8 "$TOP/$f" | grep -q 'Identifier: BSD-2-Clause' ||
		    echo "$f"
	done) > hits
	atf_check cat hits
}

atf_test_case style
style_head() {
	atf_set descr "80 columns, no blanks at line ends, a newline at the end"
}
style_body() {
	(files | grep -E '\.([ch]|cc|sh|mk|[379]|ltl|pml)$|Makefile$' |
	    while read -r f; do
		[ -f "$TOP/$f" ] || continue
		expand "$TOP/$f" | awk -v f="$f" \
		    'length > 80 { print f ":" NR ": too long" }'
		grep -Hn '[[:space:]]$' "$TOP/$f"
		[ -z "$(tail -c 1 "$TOP/$f")" ] || echo "$f: no newline"
	done) > hits
	atf_check cat hits
}

atf_test_case readme
readme_head() {
	atf_set descr "what the README names is there"
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
	atf_set descr "the README's program does what it says"
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
	atf_set descr "build.sh refuses what it does not know"
}
buildsh_body() {
	atf_check -s exit:2 -e match:'usage:' "$TOP/build.sh" frobnicate
	atf_check -s exit:2 -e match:'usage:' "$TOP/build.sh"
	atf_check -s exit:2 -e match:'usage:' "$TOP/build.sh" demo test
}

atf_test_case variables
variables_head() {
	atf_set descr "a wrong HOST or SAN is refused with a clear word"
}
variables_body() {
	atf_check -s not-exit:0 -e match:'HOST is "vax"' -o ignore \
	    env -C "$TOP" bmake -n HOST=vax OBJROOT="$PWD/obj"
	atf_check -s not-exit:0 -e match:'SAN is "memory"' -o ignore \
	    env -C "$TOP" bmake -n SAN=memory OBJROOT="$PWD/obj"
}

atf_test_case gnumake
gnumake_head() {
	atf_set descr "GNU make hands over to bmake"
	atf_set require.progs make
}
gnumake_body() {
	atf_check -o inline:"rm -rf $PWD/obj\n" \
	    env -C "$TOP" make clean OBJROOT="$PWD/obj"
}

atf_init_test_cases() {
	atf_add_test_case paths
	atf_add_test_case licence
	atf_add_test_case style
	atf_add_test_case readme
	atf_add_test_case example
	atf_add_test_case buildsh
	atf_add_test_case variables
	atf_add_test_case gnumake
}
