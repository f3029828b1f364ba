#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The manual pages.

PC="env PKG_CONFIG_PATH=$STAGE/lib/pkgconfig pkg-config"

pages() {
	ls "$TOP"/man/*.[1379]
}

# Print the names in the NAME section of a page.
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
		# The other names are pages of ivykis itself.
		[ "$p" != workqueue_iv.3 ] || continue
		names "$TOP/man/$p" | grep -vx "${p%.*}" |
		    sed "s/.*/$p &.$s/"
	done | sort > want
	sort "$TOP/man/mlinks" > got
	atf_check diff -u want got
}

atf_test_case xref
xref_head() {
	atf_set descr "each cross reference leads to a page"
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
	atf_set descr "each page of functions has the required sections"
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
	cat $(pages) | tr -c 'A-Za-z0-9_\n' '\n' | sort -u > words
	sed -nE 's/^#define[[:space:]]+([A-Za-z][A-Za-z0-9_]*)(\(| |	).*/\1/p
	    s/^[a-z].*[[:space:]*](workqueue_[a-z]+)\(.*/\1/p' \
	    "$STAGE"/include/workqueue/sys/*.h |
	    grep -vE '_H_$|^kern_assert(msg)?$' | sort -u > names
	atf_check test -s names
	atf_check comm -23 names words
}

atf_test_case kernel_documented
kernel_documented_head() {
	atf_set descr "each name of the headers for kernel sources is on a page"
}
kernel_documented_body() {
	# All words of all pages.
	cat $(pages) | tr -c 'A-Za-z0-9_\n' '\n' | sort -u > words
	# Macros, and static functions, which begin a line.  Other functions
	# have macros for their linker names.  The page of <sys/queue.h> has its
	# names by kind and suffix.
	find "$STAGE/include/workqueue-kernel" -name '*.h' -exec sed -nE \
	    -e 's/^#[[:space:]]*define[[:space:]]+([A-Za-z]\w*).*/\1/p' \
	    -e 's/^([a-z][a-z0-9_]*)\(.*/\1/p' {} + |
	    grep -vE '_H_$' |
	    sed -E 's/^(S?LIST|STAILQ|SIMPLEQ|TAILQ|CIRCLEQ)_/_/' |
	    sort -u > names
	atf_check test -s names
	atf_check comm -23 names words
}

atf_test_case clients
clients_head() {
	atf_set descr "workqueue_kernel(7) accounts for each header"
}
clients_body() {
	tr -s ' \t' '\n' < "$TOP/man/workqueue_kernel.7" | sort -u > words
	# The page names headers in machine/ without the directory; headers
	# named wq_ are only for other headers.
	(cd "$STAGE/include/workqueue" && find . -name '*.h'
	 cd "$STAGE/include/workqueue-kernel" && find . -name '*.h') |
	    sed -e 's,^\./,,' -e 's,^machine/,,' | grep -v '/wq_' |
	    sort -u > headers
	atf_check test -s headers
	atf_check comm -23 headers words
}

atf_test_case linux_documented
linux_documented_head() {
	atf_set descr "each name of the Linux headers is on a page of theirs"
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

# Print one line for each text that certain functions print: the file, a tab,
# and the text, with a tab for each conversion.  $1 is an ERE of the functions'
# names.
texts() {
	awk -v calls="$1" '
	function tell(s) {
		gsub(/\\"/, "\001", s)
		while (match(s, /"[ \t]+"/))
			s = substr(s, 1, RSTART - 1) \
			    substr(s, RSTART + RLENGTH)
		if (!match(s, /"[^"]*"/))
			return
		s = substr(s, RSTART + 1, RLENGTH - 2)
		gsub(/\001/, "\"", s)
		gsub(/%(p[SFI]|[#0-9.*]*[lzj]*[a-zA-Z])/, "\t", s)
		print FILENAME "\t" s
	}
	$0 ~ "^\t.*[^a-z_]?(" calls ")\\(" { text = ""; inside = 1 }
	inside { text = text " " $0 }
	inside && /;$/ {
		sub("^.*[^a-z_](" calls ")\\(", "", text)
		tell(text)
		inside = 0
	}' $2
}

# Print the texts of panics, without a function's name in front, which pages
# may write as FUNCTION.
panic_texts() {
	texts 'panic|KASSERTMSG|KERN_SUSPECT' "$*" |
	    sed -E 's/\t(\t|[A-Za-z_]+): /\t/'
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
	# Find the pieces of a text, in order, on one line.
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

# Print one line for each entry of DIAGNOSTICS: the page, a tab, and the text.
entries() {
	awk '
	function quoted(l) {
		sub(/^\.Li "/, "", l)
		sub(/".*/, "", l)
		return l
	}
	function out(t) {
		gsub(/\\\(dq|\\&/, "", t)
		gsub(/\\-/, "-", t)
		print page "\t" t
	}
	FNR == 1 { page = FILENAME; sub(/.*\//, "", page); sect = "" }
	/^\.Sh / { sect = substr($0, 5) }
	sect != "DIAGNOSTICS" { next }
	/^\.It Xo/ { inxo = 1; text = ""; next }
	inxo && /^\.Xc/ { inxo = 0; out(text); next }
	inxo && /^\.Li / {
		text = text (text == "" ? "" : " ") quoted($0)
		next
	}
	/^\.It Li "/ || more {
		more = /\\$/
		while (match($0, /"[^"]*"/)) {
			out(substr($0, RSTART + 1, RLENGTH - 2))
			$0 = substr($0, RSTART + RLENGTH)
		}
	}' $(pages)
}

atf_test_case printed
printed_head() {
	atf_set descr "each entry of DIAGNOSTICS is a text of the sources"
}
printed_body() {
	{
		texts 'panic|KASSERTMSG|KERN_SUSPECT|kern_suspect|kern_warn|'\
'kern_arg' \
		    "$(echo "$TOP"/sys/kern/*.[ch])"
		texts 'wqk_panic|wqk_printf_tolog' \
		    "$(echo "$TOP"/sys/compat/*/*.c)"
		# A macro has the text of an assertion.
		sed -n 's/^	"\(kernel .*ssert.*\)"$/systm.h	\1%s/p' \
		    "$TOP/sys/sys/systm.h" |
		    sed 's/%[sd]/	/g;s/\\"//g'
	} > texts
	atf_check test -s texts
	entries > entries
	[ "$(wc -l < entries)" -ge 250 ] ||
	    atf_fail "the entries are not found any more"
	# An entry has words in place of conversions, and quotes only where a
	# reader needs them; "..." stands for the rest.  FUNC, FUNCTION and WHAT
	# stand for the name in front, whether it is a conversion or not.
	awk -F '\t' '
	function add(text, named,	n, p, i, s, full, part, letters) {
		n = split(text, p, "\t")
		for (i = n; i >= 1; i--) {
			s = p[i]
			letters += gsub(/[A-Za-z]/, "&", s)
			gsub(/[][\\.^$*+?(){}|]/, "\\\\&", s)
			s = s (i < n ? ".*" : "")
			full = s full
			part = "(" s part ")?"
		}
		if (letters < 3)
			return
		name[++m] = named
		re[m] = "^" full "$"
		cut[m] = "^" part "$"
	}
	FNR == NR {
		s = substr($0, length($1) + 2)
		gsub(/\\n/, "", s)
		gsub(/"/, "", s)
		add(s, 0)
		if (match(s, /^[A-Za-z_]+: /))
			add("\t" substr(s, RLENGTH - 1), 1)
		next
	}
	{
		t = $2
		gsub(/"/, "", t)
		sub(/^panic: (\.\.\. )?/, "", t)
		trunc[++k] = sub(/,? ?\.\.\.$/, "", t)
		any[k] = t ~ /^(FUNC|FUNCTION|WHAT): /
		want[k] = t
		whole[k] = $1 ": " $2
	}
	END {
		for (i = 1; i <= m; i++)
			for (j = 1; j <= k; j++)
				if (want[j] != "" && (!name[i] || any[j]) &&
				    want[j] ~ (trunc[j] ? cut[i] : re[i]))
					want[j] = ""
		for (j = 1; j <= k; j++)
			if (want[j] != "")
				print whole[j]
	}' texts entries > missing
	atf_check cat missing
}

atf_test_case punctuation
punctuation_head() {
	atf_set descr "no .Fn has a comma or semicolon as an argument"
}
punctuation_body() {
	# ".Fn a , b" prints "a(), b" without the second pair of parentheses.
	awk -v OFS=: '
	FNR == 1 { sect = "" }
	/^\.Sh / { sect = $2 }
	{ page = FILENAME; sub(/.*\//, "", page) }
	/^\.(It )?Fn / && / , [^ ][^ ]/ && ! / , [A-Z][a-z] / &&
	    ! / , \\$/ { print page, FNR, $0 }
	sect == "SYNOPSIS" && /^\.Fn .* ;$/ { print page, FNR, $0 }
	' $(pages) > found
	atf_check cat found
}

atf_test_case library
library_head() {
	atf_set descr "each page names the package that has its headers"
}
library_body() {
	local h lib missing p pkg want

	for p in $(pages); do
		sed -n '/^\.Sh SYNOPSIS/,/^\.Sh [^S]/p' "$p" > synopsis
		sed -n 's/^\.In \([^ ]*\)$/\1/p' synopsis > headers
		[ -s headers ] || continue
		want=
		while read -r h; do
			for pkg in workqueue-kernel workqueue-linux \
			    workqueue-iv; do
				[ -f "$STAGE/include/$pkg/$h" ] && want=$pkg
			done
		done < headers
		[ "${p##*/}" = workqueue_iv.3 ] && want=workqueue-iv
		if [ -z "$want" ]; then
			# Some names are only for kernel sources.
			sed 's/.*/#include <&>/' headers > h.c
			${CC} -E -dD $($PC --cflags workqueue) h.c |
			    tr -c 'A-Za-z0-9_' '\n' | sort -u > words
			missing=$(sed -n 's/^\.F[no] \([^ ]*\).*/\1/p' \
			    synopsis | sort -u | comm -23 - words | head -1)
			want=workqueue${missing:+-kernel}
		fi
		lib=$(sed -n '/^\.Sh LIBRARY/,/^\.Sh SYNOPSIS/p' "$p")
		echo "$lib" | grep -qE "(^|[ ])$want( |\$)" && continue
		echo "${p##*/}: LIBRARY does not name the package $want"
		touch found
	done
	[ ! -f found ] || atf_fail "see above"
}

atf_test_case origin
origin_head() {
	atf_set descr "each page has its origin and its authors"
}
origin_body() {
	local p s

	for p in $(pages); do
		for s in HISTORY AUTHORS; do
			grep -qx "\.Sh $s" "$p" && continue
			echo "${p##*/}: no section $s"
			touch found
		done
		sed -n '/^\.Sh HISTORY/,/^\.Sh AUTHORS/p' "$p" |
		    grep -qE 'libworkqueue [0-9]+\.[0-9]|^0\.[0-9]' && continue
		echo "${p##*/}: HISTORY names no release of this library"
		touch found
	done
	[ ! -f found ] || atf_fail "see above"
}

atf_test_case empty_sections
empty_sections_head() {
	atf_set descr "no section says only that it is empty"
}
empty_sections_body() {
	awk '
	FNR == 1 {
		page = FILENAME
		sub(/.*\//, "", page)
		p = ""
	}
	p ~ /^\.Sh / && /^None/ { print page ": " p ": " $0 }
	p ~ /^\.S[hs] / && /^\.Sh / { print page ": nothing in " p }
	p ~ /^\.Ss / && /^\.Ss / { print page ": nothing in " p }
	{ p = $0 }' $(pages) > found
	atf_check cat found
}

# Print one line for each paragraph of the pages, without code: the page, a
# colon, and the text.
prose() {
	local bs p

	bs=$(printf '\b')
	for p in $(pages); do
		sed -e '/^\.Bd -literal/,/^\.Ed/d' -e '/^\.S[hs] /d' "$p" |
		    mandoc -T ascii -O width=900 | sed "s/.$bs//g" |
		    awk -v RS= -v page="${p##*/}" '{
			gsub(/[ \n]+/, " ")
			print page ":" $0
		}'
	done
}

atf_test_case language
language_head() {
	atf_set descr "sentences name their actor; an item is an item"
	atf_set require.progs mandoc
}
language_body() {
	prose > prose
	[ "$(wc -l < prose)" -ge 1000 ] || atf_fail "the text is not found"
	# No headless clause begins a sentence.
	grep -nE -f - prose > found <<-'EOF'
	(^[^:]*: ?|[.] )(Who|What|Whoever)\b
	(^[^:]*: ?|[.] )That (there|it|they|one)\b
	(^[^:]*: ?|[.] )Of (what|those|which|several)\b
	EOF
	# "works" is a verb; an item is not told and does not hear.
	grep -nEi -f - prose >> found <<-'EOF'
	\b(the|no|of|more|many|other|pending|several|all|few|some) works\b
	\b(its|these|those|two|three|[0-9]+) works\b
	\bworks (are|were|which|is)\b
	\b(is|are|was|were|be) told\b( [^t]|[.,;:]| t[^o])
	\bis (always |never )?heard\b
	\b(touch|access)es [a-z ]*no more\b
	\bnone of the possible\b
	\bfor ever returns\b
	\bhas a function called\b
	\bso rare that\b
	\bno two of a\b
	\bwho has some\b
	\bas (is )?said above\b
	\bmay be had\b
	EOF
	cut -c 1-300 found > cut
	atf_check cat cut
}

atf_test_case test_names
test_names_head() {
	atf_set descr "the tests named as examples exist"
}
test_names_body() {
	local f n

	cat "$TOP/README" "$TOP/sys/README" "$TOP/Makefile" \
	    "$TOP"/share/mk/*.mk $(pages) |
	    grep -oE 'tests/[a-z/]+/[a-z_]+_test:[a-z_0-9]+' |
	    sort -u > named
	atf_check test -s named
	while read -r n; do
		f=${n%%:*}
		grep -qw "${n#*:}" "$TOP/$f".[cs]* && continue
		echo "$n"
		touch found
	done < named
	[ ! -f found ] || atf_fail "no such test"
}

atf_test_case examples
examples_head() {
	atf_set descr "the examples compile, and link if they have a main"
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
		# Kernel sources include a header that only kernel sources have.
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

atf_test_case html
html_head() {
	atf_set descr "each link of the HTML pages leads somewhere"
}
html_body() {
	local dir="$OBJTOP/man/html"

	[ -f "$dir/index.html" ] || atf_fail "the pages are not built"
	(cd "$dir" && awk '
	function add(name) { have[name] = 1 }
	FNR == 1 { add(FILENAME) }
	{
		s = $0
		while (match(s, / id="[^"]*"/)) {
			add(FILENAME "#" substr(s, RSTART + 5, RLENGTH - 6))
			s = substr(s, RSTART + RLENGTH)
		}
		s = $0
		while (match(s, /href="[^"]*"/)) {
			to = substr(s, RSTART + 6, RLENGTH - 7)
			s = substr(s, RSTART + RLENGTH)
			if (to ~ /^#/)
				to = FILENAME to
			gsub(/%7E/, "~", to)
			from[to] = FILENAME
		}
	}
	END {
		for (to in from)
			if (!(to in have) && to != "style.css")
				print from[to] ": " to
	}' *.html) > hits
	atf_check cat hits
	atf_check -o ignore grep 'href="workqueue.9.html"' \
	    "$dir/libworkqueue.3.html"
	# A page that is not of this manual is plain text.
	atf_check -o ignore grep '[ >]assert(3)' "$dir/KASSERT.9.html"
}

atf_init_test_cases() {
	atf_add_test_case lint
	atf_add_test_case html
	atf_add_test_case listed
	atf_add_test_case links
	atf_add_test_case xref
	atf_add_test_case sections
	atf_add_test_case documented
	atf_add_test_case kernel_documented
	atf_add_test_case clients
	atf_add_test_case linux_documented
	atf_add_test_case diagnostics
	atf_add_test_case printed
	atf_add_test_case punctuation
	atf_add_test_case library
	atf_add_test_case origin
	atf_add_test_case empty_sections
	atf_add_test_case language
	atf_add_test_case test_names
	atf_add_test_case examples
}
