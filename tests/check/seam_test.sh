#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The seams of the tree: what lies above sys/host reaches the operating
# system through sys/host/host.h, and other threads through <sys/atomic.h>,
# and no other way, so that a back end can be a simulator.

# Uses of $2 (an extended regular expression) in the files that follow,
# comments and strings taken out; none may be found.
forbid() {
	local what="$1" re="$2" f

	shift 2
	for f; do
		[ -f "$f" ] || continue
		${CC} -fpreprocessed -dD -E -P - < "$f" 2>/dev/null |
		    sed 's/"[^"]*"//g' > code
		if grep -nE "$re" code > hits; then
			echo "$f: $what:"
			cat hits
			touch found
		fi
	done
}

above_host() {
	find "$TOP/sys/kern" "$TOP/sys/compat" -name '*.[ch]' 2>/dev/null
}

atf_test_case atomics
atomics_head() {
	atf_set descr "atomics and barriers through <sys/atomic.h> alone"
}
atomics_body() {
	forbid "atomics of its own" \
	    '__atomic_|__sync_|_Atomic|stdatomic|__asm|[^_]asm[ (]' \
	    $(above_host)
	forbid "a spin without host_relax()" 'builtin_ia32|sched_yield' \
	    $(above_host)
	[ ! -f found ] || atf_fail "go through <sys/atomic.h>"
}

atf_test_case threadlocal
threadlocal_head() {
	atf_set descr "thread-local state through host_self() alone"
}
threadlocal_body() {
	forbid "thread-local variable" '_Thread_local|__thread|thread_local' \
	    $(above_host)
	[ ! -f found ] || atf_fail "go through host_self()"
}

atf_test_case relax
relax_head() {
	atf_set descr "no loop on an atomic load without host_relax()"
}
relax_body() {
	local f

	for f in $(above_host); do
		awk -v f="$f" '
		spin && /^[[:space:]]*(continue)?;$/ {
			print f ":" NR ": " prev; bad = 1
		}
		{ spin = /(while|for) \(.*atomic_(load|cas|swap)_.*\)$/ }
		/(while|for) \(.*atomic_(load|cas|swap)_.*\);$/ {
			if ($0 !~ /^[[:space:]]*\} while/) {
				print f ":" NR ": " $0; bad = 1
			}
		}
		{ prev = $0 }
		END { exit bad }' "$f" || touch found
	done
	[ ! -f found ] || atf_fail "spins go through host_relax()"
}

atf_test_case system
system_head() {
	atf_set descr "sys/kern knows no operating system"
}
system_body() {
	local f h

	forbid "a system's own" \
	    '__linux__|__NetBSD__|__FreeBSD__|__APPLE__|_SOURCE' $(above_host)
	forbid "a thread library's" 'pthread_|sem_(wait|post|init)|thrd_' \
	    $(above_host)
	for f in $(find "$TOP/sys/kern" -name '*.[ch]'); do
		sed -n 's/^#[[:space:]]*include[[:space:]]*<\(.*\)>.*/\1/p' \
		    "$f" > headers
		while read -r h; do
			case $h in
			errno.h|limits.h|stdarg.h|stdbool.h|stddef.h) ;;
			stdint.h|string.h|bsd/string.h|host/host.h) ;;
			*)	[ -f "$TOP/sys/$h" ] && continue
				echo "$f: includes <$h>"
				touch found
				;;
			esac
		done < headers
	done
	[ ! -f found ] || atf_fail "go through sys/host/host.h"
}

atf_test_case calls
calls_head() {
	atf_set descr "what sys/kern calls, as the linker sees it"
}
calls_body() {
	local d="$OBJTOP/lib/libworkqueue"

	(cd "$d" && nm -g --defined-only [!h]*.o) |
	    awk 'NF == 3 { print $3 }' > own
	(cd "$d" && nm -u [!h]*.o) | awk 'NF == 2 { print $2 }' |
	    grep -vE '^(__asan|__ubsan|__tsan|__sanitizer|__stack_chk)' |
	    grep -vE '^(mem(cpy|move|set|cmp)|str(len|lcpy|cmp|ncmp|nlen))$' |
	    grep -vE '^(__errno_location|_GLOBAL_OFFSET_TABLE_)$' |
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
	local d="$OBJTOP/lib/libworkqueue" h

	for h in "$TOP"/sys/sys/*.h; do
		h=${h##*/}
		[ "$h" = atomic.h ] && continue
		if grep -n "include.*<sys/$h>" "$TOP"/sys/host/* |
		    grep -v '<sys/types.h>'; then
			touch found
		fi
	done
	(cd "$d" && nm -g --defined-only [!h]*.o) |
	    awk 'NF == 3 { print $3 }' > kern
	(cd "$d" && nm -u host_*.o) | awk 'NF == 2 { print $2 }' |
	    grep -xFf kern && touch found
	forbid "an extension of POSIX" '_(GNU|DEFAULT|BSD|NETBSD)_SOURCE' \
	    "$TOP"/sys/host/host_posix.c "$TOP"/sys/host/host_common.c
	[ ! -f found ] || atf_fail "an arrow points the wrong way"
}

atf_init_test_cases() {
	atf_add_test_case atomics
	atf_add_test_case threadlocal
	atf_add_test_case relax
	atf_add_test_case system
	atf_add_test_case calls
	atf_add_test_case host
}
