#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The manual pages.

PC="env PKG_CONFIG_PATH=$STAGE/lib/pkgconfig pkg-config"

pages() {
	ls "$TOP"/man/*.[379]
}

# The names that a page's NAME section gives it.
names() {
	sed -n '/^\.Sh NAME/,/^\.Nd/s/^\.Nm \([^ ]*\).*/\1/p' "$1"
}

atf_test_case lint
lint_head() {
	atf_set descr "mandoc -T lint -W warning says nothing"
	atf_set require.progs mandoc
}
lint_body() {
	atf_check mandoc -T lint -W warning $(pages)
}

atf_test_case listed
listed_head() {
	atf_set descr "man/Makefile installs every page"
}
listed_body() {
	local p

	for p in $(pages); do
		p=${p##*/}
		tr -s '\t \\' '\n' < "$TOP/man/Makefile" | grep -qxF "$p" ||
		    atf_fail "$p is not in man/Makefile"
	done
}

atf_test_case links
links_head() {
	atf_set descr "man/mlinks has each further name of a page, no other"
}
links_body() {
	local p s

	for p in $(pages); do
		s=${p##*.}
		p=${p##*/}
		names "$TOP/man/$p" | grep -vx "${p%.*}" |
		    sed "s/.*/$p &.$s/"
	done | sort > want
	sort "$TOP/man/mlinks" > got
	atf_check diff -u want got
}

atf_test_case xref
xref_head() {
	atf_set descr "each cross reference leads somewhere"
}
xref_body() {
	local p s

	for p in $(pages); do
		s=${p##*.}
		p=${p##*/}
		{ names "$TOP/man/$p"; echo "${p%.*}"; } | sed "s/\$/ $s/"
	done > known
	sed -e 's/#.*//' -e '/^$/d' "$TOP/tests/check/base_pages" >> known
	grep -hE '^\.(Xr|.* Xr) ' $(pages) |
	    sed 's/.*Xr \([^ ]*\) \([^ ]*\).*/\1 \2/' | sort -u > used
	if grep -vxFf known used; then
		atf_fail "neither a page of ours nor in tests/check/base_pages"
	fi
}

atf_test_case sections
sections_head() {
	atf_set descr "each page of functions says what STYLE wants"
}
sections_body() {
	local p s

	for p in "$TOP"/man/*.9; do
		for s in NAME SYNOPSIS DESCRIPTION CONTEXT 'SEE ALSO'; do
			grep -qE "^\.S[hs] \"?$s" "$p" && continue
			echo "${p##*/}: no section $s"
			touch found
		done
	done
	[ ! -f found ] || atf_fail "a section is missing"
}

atf_test_case documented
documented_head() {
	atf_set descr "each function and macro of the headers is on a page"
}
documented_body() {
	local n

	sed -nE 's/^#define[[:space:]]+([A-Za-z][A-Za-z0-9_]*)(\(| |	).*/\1/p
	    s/^[a-z].*[[:space:]*](workqueue_[a-z]+)\(.*/\1/p' \
	    "$STAGE"/include/workqueue/sys/*.h |
	    grep -vE '_H_$|^kern_assert(msg)?$' | sort -u > names
	while read -r n; do
		grep -qwF -- "$n" $(pages) && continue
		echo "$n"
		touch found
	done < names
	[ ! -f found ] || atf_fail "on no page"
}

atf_test_case kernel_documented
kernel_documented_head() {
	atf_set descr "so it is with the headers for kernel sources"
}
kernel_documented_body() {
	# The words of all pages.
	cat $(pages) | tr -c 'A-Za-z0-9_\n' '\n' | sort -u > words
	# Macros, and functions that begin a line: static ones.  Others are
	# macros for the names that the linker sees.  Those of <sys/queue.h>
	# are on their page by kind and suffix.
	find "$STAGE/include/workqueue-kernel" -name '*.h' -exec sed -nE \
	    -e 's/^#[[:space:]]*define[[:space:]]+([A-Za-z]\w*).*/\1/p' \
	    -e 's/^([a-z][a-z0-9_]*)\(.*/\1/p' {} + |
	    grep -vE '_H_$' |
	    sed -E 's/^(S?LIST|STAILQ|SIMPLEQ|TAILQ|CIRCLEQ)_/_/' |
	    sort -u > names
	atf_check test -s names
	atf_check comm -23 names words
}

atf_test_case linux_documented
linux_documented_head() {
	atf_set descr "so it is with those of the Linux face, on its pages"
}
linux_documented_body() {
	cat "$TOP"/man/linux_*.9 | tr -c 'A-Za-z0-9_\n' '\n' | sort -u > words
	# Macros, flags, and functions that begin a line.
	find "$STAGE/include/workqueue-linux" -name '*.h' -exec sed -nE \
	    -e 's/^#[[:space:]]*define[[:space:]]+([A-Za-z]\w*).*/\1/p' \
	    -e 's/^	([A-Z]\w*) = .*/\1/p' \
	    -e 's/^([A-Za-z]\w*)\(.*/\1/p' {} + |
	    grep -vE '_H_$|^lwq_' | sort -u > names
	atf_check grep -qx schedule_work_on names
	atf_check grep -qx kmalloc names
	atf_check grep -qx WQ_MEM_RECLAIM names
	atf_check comm -23 names words
}

# One line for each text of panic() and KASSERTMSG(): the file, a tab, and
# what stands around the conversions, which are tabs.
panic_texts() {
	awk '
	function tell(s) {
		gsub(/\\"/, "\001", s)
		while (match(s, /"[ \t]+"/))
			s = substr(s, 1, RSTART - 1) \
			    substr(s, RSTART + RLENGTH)
		if (!match(s, /"[^"]*"/))
			return
		s = substr(s, RSTART + 1, RLENGTH - 2)
		gsub(/\001/, "\"", s)
		# Pages may write FUNCTION for the name in front.
		sub(/^(%s|[A-Za-z_]+): /, "", s)
		gsub(/%[#0-9.*]*[lzj]*[a-zA-Z]/, "\t", s)
		print FILENAME "\t" s
	}
	/^\t.*[^a-z_]?(panic|KASSERTMSG)\(/ { text = ""; inside = 1 }
	inside { text = text " " $0 }
	inside && /;$/ {
		sub(/.*[^a-z_](panic|KASSERTMSG)\(/, "", text)
		tell(text)
		inside = 0
	}' "$@"
}

atf_test_case diagnostics
diagnostics_head() {
	atf_set descr "each text of a panic is on a page, workqueue(9)'s on its"
	atf_set require.progs mandoc
}
diagnostics_body() {
	local bs p

	bs=$(printf '\b')
	for p in $(pages); do
		mandoc -T ascii -O width=500 "$p" |
		    sed -e "s/.$bs//g" -e "s,^,${p##*/}	,"
	done > lines
	panic_texts "$TOP"/sys/kern/*.c > texts
	[ "$(grep -c subr_workqueue texts)" -ge 20 ] ||
	    atf_fail "the texts are not found any more"
	# The pieces of a text, in order, on one line.
	awk -F '\t' '
	FNR == NR {
		page[++n] = $1
		line[n] = substr($0, length($1) + 2)
		next
	}
	{
		want = $1 ~ /subr_workqueue/ ? "^workqueue(_ext)?[.]9" : "."
		for (i = 1; i <= n; i++) {
			rest = line[i]
			for (f = 2; f <= NF; f++) {
				s = $f
				gsub(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/, "", s)
				if ((at = index(rest, s)) == 0)
					break
				rest = substr(rest, at + length(s))
			}
			if (f > NF && page[i] ~ want)
				next
		}
		gsub(/.*\//, "", $1)
		print
	}' lines texts > missing
	atf_check cat missing
}

atf_test_case examples
examples_head() {
	atf_set descr "the examples compile, and link where they have a main"
}
examples_body() {
	local p f h out pkg

	for p in $(pages); do
		awk -v base="$(basename "$p")" '
		/^\.S[hs]/ { }
		/^\.Bd -literal/ { inside = 1; text = ""; next }
		/^\.Ed/ {
			if (inside && text ~ /^#include/) {
				out = base "." ++n ".c"
				printf "%s", text > out
				close(out)
			}
			inside = 0
			next
		}
		inside { text = text $0 "\n" }' "$p"
	done
	for f in *.c; do
		[ -f "$f" ] || atf_fail "no example on any page"
		sed -i -e 's/\\(dq/"/g' -e 's/\\(aq/'"'"'/g' -e 's/\\-/-/g' \
		    -e 's/\\&//g' -e 's/\\e/\\/g' "$f"
		echo "$f"
		out="-c"
		if grep -q '^main(' "$f"; then
			out="-o prog $($PC --libs workqueue)"
			out="$out -Wl,-rpath,$STAGE/lib"
		fi
		# Kernel sources are those that name a header of theirs alone.
		pkg=workqueue
		for h in $(sed -n 's/^#include <\(sys\/.*\)>.*/\1/p' "$f"); do
			[ -f "$STAGE/include/workqueue-kernel/$h" ] &&
			    pkg=workqueue-kernel
		done
		grep -q '^#include <linux/' "$f" && pkg=workqueue-linux
		atf_check ${CC} -std=gnu11 -Wall -Wextra -Werror $SANFLAGS \
		    $($PC --cflags $pkg) "$f" $out
	done
}

atf_init_test_cases() {
	atf_add_test_case lint
	atf_add_test_case listed
	atf_add_test_case links
	atf_add_test_case xref
	atf_add_test_case sections
	atf_add_test_case documented
	atf_add_test_case kernel_documented
	atf_add_test_case linux_documented
	atf_add_test_case diagnostics
	atf_add_test_case examples
}
