#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The seams of the tree.  Code above sys/host reaches the operating system only
# through sys/host/host.h, and other threads only through <sys/atomic.h>, so
# that a back end can be a simulator.

# Print the lines of the files, as file:number:line, without comments, strings
# and character constants.
code() {
	awk '
	BEGIN {
		token = "/[*]|//.*|" \
		    "\"(\\\\.|[^\"\\\\])*\"|" \
		    "\047(\\\\.|[^\047\\\\])*\047"
	}
	FNR == 1 { comment = 0 }
	{
		rest = $0
		line = ""
		while (rest != "") {
			if (comment) {
				if ((i = index(rest, "*/")) == 0)
					break
				rest = substr(rest, i + 2)
				comment = 0
			}
			if (!match(rest, token)) {
				line = line rest
				break
			}
			line = line substr(rest, 1, RSTART - 1)
			comment = substr(rest, RSTART, 2) == "/*"
			rest = substr(rest, RSTART + RLENGTH)
		}
		if (line != "")
			print FILENAME ":" FNR ":" line
	}' "$@"
}

# Report uses of $2 (an extended regular expression) in the files that follow,
# ignoring comments and strings; there must be none.
forbid() {
	local what="$1" re="$2"

	shift 2
	if code "$@" | grep -E "^[^:]*:[0-9]*:.*($re)" > hits
	then
		echo "$what:"
		cat hits
		touch found
	fi
}

above_host() {
	find "$TOP/sys/kern" "$TOP/sys/compat" -name '*.[ch]' 2>/dev/null
}

atf_test_case atomics
atomics_head() {
	atf_set descr "atomics and barriers are only those of <sys/atomic.h>"
}
atomics_body() {
	# READ_ONCE() and WRITE_ONCE() access memory of the client.
	forbid "atomics of its own" \
	    '__atomic_|__sync_|_Atomic|stdatomic|__asm|[^_]asm[ (]' \
	    $(above_host | grep -v '/linux/compiler\.h$')
	forbid "a spin without host_relax()" 'builtin_ia32|sched_yield' \
	    $(above_host)
	[ ! -f found ] || atf_fail "go through <sys/atomic.h>"
}

atf_test_case points
points_head() {
	atf_set descr "each access of <sys/atomic.h>, READ_ONCE() and" \
	    "WRITE_ONCE() is a scheduling point of the simulator"
}
points_body() {
	local f

	for f in sys/sys/atomic.h sys/compat/linux/include/linux/compiler.h
	do
		# Put each operation on a line; its point follows the name.
		tr -d '\\\n' < "$TOP/$f" | tr -s '\t ' ' ' |
		    grep -oE '__atomic_(\w+_n|##op|(\w+_)?fetch\w*)\(.{40}' |
		    grep -vE '__(ATOMIC_(LOAD|STORE|RMW|OPS_AT)|LWQ_ONCE)\(' |
		    grep -v '__wqk_membar_word' > hits
		if [ -s hits ]; then
			echo "$f:"
			cat hits
			touch found
		fi
	done
	[ ! -f found ] || atf_fail "an access is no scheduling point"
}

atf_test_case threadlocal
threadlocal_head() {
	atf_set descr "host_self() is the only thread-local state"
}
threadlocal_body() {
	forbid "thread-local variable" \
	    '_Thread_local|\<__thread\>|thread_local' $(above_host)
	[ ! -f found ] || atf_fail "go through host_self()"
}

atf_test_case fork
fork_head() {
	atf_set descr "a forked child frees each static lock"
}
fork_body() {
	# Skip functions, and arrays, which the file itself resets in a child.
	awk '
	/^static k(mutex|rwlock)_t[ \t].*;/ && !/[[(]/ {
		sub(/;.*/, "", $3)
		want[FILENAME ": " $3]
	}
	/^KERN_FORKLOCK\(/ {
		sub(/^KERN_FORKLOCK\(/, "")
		sub(/,.*/, "")
		have[FILENAME ": " $0]
	}
	END {
		for (w in want)
			if (!(w in have))
				print w
	}' $(above_host) > hits
	atf_check cat hits
}

atf_test_case relax
relax_head() {
	atf_set descr "each loop on an atomic load calls host_relax()"
}
relax_body() {
	awk '
	spin && /^[[:space:]]*(continue)?;$/ {
		print FILENAME ":" FNR ": " prev
	}
	{ spin = /(while|for) \(.*atomic_(load|cas|swap)_.*\)$/ }
	/(while|for) \(.*atomic_(load|cas|swap)_.*\);$/ &&
	!/^[[:space:]]*\} while/ {
		print FILENAME ":" FNR ": " $0
	}
	{ prev = $0 }' $(above_host) > hits
	# Spins go through host_relax().
	atf_check cat hits
}

atf_test_case system
system_head() {
	atf_set descr "sys/kern knows no operating system"
}
system_body() {
	local h

	forbid "a system's own" \
	    '__linux__|__NetBSD__|__FreeBSD__|__APPLE__|_SOURCE' $(above_host)
	forbid "a thread library's" 'pthread_|sem_(wait|post|init)|thrd_' \
	    $(above_host)
	find "$TOP/sys/kern" -name '*.[ch]' -exec sed -n \
	    's/^#[[:space:]]*include[[:space:]]*<\(.*\)>.*/\1/p' {} + |
	    sort -u > headers
	while read -r h; do
		case $h in
		errno.h|limits.h|stdarg.h|stdbool.h|stddef.h) ;;
		stdint.h|string.h|host/host.h) ;;
		*)	[ -f "$TOP/sys/$h" ] && continue
			echo "includes <$h>"
			touch found
			;;
		esac
	done < headers
	[ ! -f found ] || atf_fail "go through sys/host/host.h"
}

# Print the library's objects; the directory may have stale ones.
objects() {
	ar t libworkqueue_wb.a | grep -E "$@" '^(host|sim)_'
}

atf_test_case calls
calls_head() {
	atf_set descr "the linker sees no other calls from sys/kern, either"
}
calls_body() {
	local d="$OBJTOP/lib/libworkqueue"

	# -fexceptions needs functions of the compiler, and abort() where an
	# exception leaves a cleanup.
	(cd "$d" && nm -g --defined-only $(objects -v)) |
	    awk 'NF == 3 { print $3 }' > own
	(cd "$d" && nm -u $(objects -v)) | awk 'NF == 2 { print $2 }' |
	    grep -vE '^(__asan|__ubsan|__tsan|__sanitizer|__stack_chk)' |
	    grep -vE '^(mem(cpy|move|set|cmp)|bcmp)$' |
	    grep -vE '^str(len|lcpy|cmp|ncmp|nlen)$' |
	    grep -vE '^(__errno_location|_GLOBAL_OFFSET_TABLE_)$' |
	    grep -vE '^(__gcc_personality_v0|_Unwind_Resume|abort)$' |
	    grep -v '^host_' | sort -u | grep -vxFf own > hits
	if [ -s hits ]; then
		cat hits
		atf_fail "sys/kern calls something beside the host seam"
	fi
}

atf_test_case host
host_head() {
	atf_set descr "sys/host knows nothing of queues"
}
host_body() {
	local d="$OBJTOP/lib/libworkqueue"

	(cd "$TOP/sys" && ls sys/*.h) | sed 's/.*/<&>/' |
	    grep -vxE '<sys/(atomic|types|wq_simpoint|workqueue_sim)\.h>' > ours
	grep -nFf ours "$TOP"/sys/host/* | grep 'include.*<' && touch found
	(cd "$d" && nm -g --defined-only $(objects -v)) |
	    awk 'NF == 3 { print $3 }' > kern
	(cd "$d" && nm -u $(objects -e)) | awk 'NF == 2 { print $2 }' |
	    grep -xFf kern && touch found
	# Only the linux back end, and the names of functions, use more.
	forbid "an extension of POSIX" '_(GNU|DEFAULT|BSD|NETBSD)_SOURCE' \
	    $(find "$TOP"/sys/host -name '*.[ch]' ! -name 'host_linux*' \
	    ! -name host_symbol.c)
	[ ! -f found ] || atf_fail "an arrow points the wrong way"
}

atf_init_test_cases() {
	atf_add_test_case atomics
	atf_add_test_case points
	atf_add_test_case threadlocal
	atf_add_test_case fork
	atf_add_test_case relax
	atf_add_test_case system
	atf_add_test_case calls
	atf_add_test_case host
}
