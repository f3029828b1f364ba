#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The order of the sources of a directory, which its file FLOORS defines.

# Call $1 for each directory, with its name in $dir and the name of its library
# in $lib.
each() {
	for dir in kern compat/linux compat/ivykis; do
		case $dir in
		kern)		lib=libworkqueue ;;
		compat/linux)	lib=libworkqueue_linux ;;
		compat/ivykis)	lib=libworkqueue_iv ;;
		esac
		# A directory that is not built here has no objects.
		[ -d "$OBJTOP/lib/$lib" ] || continue
		"$1"
	done
}

# Print the lines of FLOORS that begin with $1, without it.
floors() {
	sed -n "s/^$1[[:space:]]//p" "$TOP/sys/$dir/FLOORS"
}

# Make "defs" (symbol source), "hooks" (source symbol; the lower one's) and
# "uses" (source definer symbol).
graph() {
	(cd "$TOP/sys/$dir" && ls -- *.c) | sed 's/c$/o/' > objects
	(cd "$OBJTOP/lib/$lib" && xargs nm -A -g) < objects |
	    sed 's/\.o:/ /' | awk '
		$3 ~ /^[VW]$/ && $4 !~ /^__|[.]/ {
			print $1, $4, "-", "weak"
			next
		}
		NF == 4 { print $4, $1 }
		NF == 3 { print $1, "-", $3 }' > names
	awk 'NF == 4 { print $1, $2 }' names | sort > hooks
	# A use of a hook counts as a use of the source that has its weak
	# definition.
	awk 'NF == 2 { print $1, $2 } NF == 4 { weak[$2] = $1 }
	    END { for (s in weak) print s, weak[s] }' names > defs
	awk 'FNR == NR { def[$1] = $2; next } NF == 3 &&
	    ($3 in def) && def[$3] != $1 { print $1, def[$3], $3 }' \
	    defs names > uses
	[ -s uses ] || atf_fail "nm shows no symbols"
}

atf_test_case places
places_head() {
	atf_set descr "each source is on one floor"
}
places() {
	floors floor | tr ' ' '\n' | grep -v '^[0-9]' | sort > have
	(cd "$TOP/sys/$dir" && ls -- *.c) | sed 's/\.c$//' | sort > want
	atf_check diff -u want have
}
places_body() {
	each places
}

atf_test_case order
order_head() {
	atf_set descr "a source uses only its own floor and lower ones"
}
order() {
	graph
	floors up | sort > want
	{ floors floor | sed 's/^/floor /'; cat uses; } |
	    awk '$1 == "floor" { for (i = 3; i <= NF; i++) at[$i] = $2; next }
	    at[$2] > at[$1] { print $1, $3 }' | sort > have
	# A line with - is no longer needed; a line with + is a call to a higher
	# floor that is not listed.
	atf_check diff -u want have
}
order_body() {
	each order
}

atf_test_case hooks
hooks_head() {
	atf_set descr "what a lower source leaves to a higher one is listed"
}
hooks() {
	graph
	floors hook | sort > want
	atf_check diff -u want hooks
	# One source has the weak definition, and another the real one.
	while read -r source name; do
		[ "$(grep -c "^$name " defs)" -eq 2 ] || echo "$name"
	done < hooks > have
	atf_check cat have
}
hooks_body() {
	each hooks
}

atf_test_case circle
circle_head() {
	atf_set descr "only a few sources can each reach all the others"
}
circle() {
	graph
	floors circle > want
	# Compute the transitive closure and the largest strong component.
	awk '{ src[$1]; src[$2]; to[$1, $2] }
	    END {
		for (k in src)
			for (i in src)
				if ((i, k) in to)
					for (j in src)
						if ((k, j) in to)
							to[i, j]
		most = 1
		for (i in src) {
			n = 0
			list = ""
			for (j in src)
				if (((i, j) in to) && ((j, i) in to)) {
					n++
					list = list " " j
				}
			if (n > most) {
				most = n
				members = list
			}
		}
		print "circle:" members > "/dev/stderr"
		print most
	    }' uses > have
	# If the number fell, commit the smaller one.
	atf_check diff -u want have
}
circle_body() {
	each circle
}

# Print the fields of struct lwp in $1, up to the first empty line or the end.
fields() {
	sed -n '/^struct lwp {$/,/^$\|^};$/p' "$1" | grep 'l_[a-z]*;'
}

atf_test_case lwp
lwp_head() {
	atf_set descr "the library's struct lwp begins as the clients' does"
}
lwp_body() {
	fields "$TOP/sys/sys/lwp.h" > want
	fields "$TOP/sys/kern/kern_lwp.h" > have
	[ -s want ] || atf_fail "no fields"
	atf_check diff -u want have
}

atf_init_test_cases() {
	atf_add_test_case places
	atf_add_test_case order
	atf_add_test_case hooks
	atf_add_test_case circle
	atf_add_test_case lwp
}
