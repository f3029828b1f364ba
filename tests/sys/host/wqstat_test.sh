#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# wqstat(1).

WQSTAT="$STAGE/bin/wqstat"

need() {
	[ -x "$WQSTAT" ] || atf_skip "wqstat is not built here"
	"$WQSTAT" $$ 2>&1 | grep -q 'permission denied' &&
	    atf_skip "this process may not read another"
	return 0
}

# start PROGRAM ARGUMENTS: start the program, and wait until it is ready.  Its
# ID is in the file pid.
start() {
	mkfifo fifo
	"$@" > fifo &
	echo $! > pid
	read -r ready < fifo
	rm fifo
	[ "$ready" = ready ] || atf_fail "$1 does not start"
}

# Skip the test if gdb itself cannot read the program.
attachable() {
	gdb -nx -batch -p "$(cat pid)" -ex backtrace > gdb.out 2>&1 &&
	    grep -q '^#0' gdb.out || atf_skip "gdb fails: $(cat gdb.out)"
}

# end [FILE]: kill the process whose ID is in the file pid, or in FILE, if this
# test has started it and it has not ended.  By now another process may have the
# ID; the working directory tells.
end() {
	local id

	id=$(cat "${1-pid}" 2> /dev/null)
	[ "$(readlink "/proc/$id/cwd")" != "$(pwd -P)" ] || kill -9 "$id" || :
}

# Print the columns that do not depend on time, or on how long an idle queue
# keeps its thread.
columns() {
	awk '{ print $1, $2, $3, $4, $6, $10 }'
}

# Print the table that h_wqstat must have.  $1 is the name of a function, or a
# pattern.
expect() {
	cat <<EOF
QUEUE KIND CPU PEND RUN NOW
first workqueue - 39 1 ${1:-first_callback}
second workqueue - 39 1 ${1:-second_callback}
idle workqueue - 0 0 -
EOF
}

atf_test_case deadlock cleanup
deadlock_head() {
	atf_set descr "a process that hangs is shown, stopped or not"
}
deadlock_body() {
	need
	start "$(atf_get_srcdir)/h_wqstat"
	expect > want
	atf_check -o save:out "$WQSTAT" "$(cat pid)"
	columns < out > got
	atf_check diff -u want got
	atf_check -o inline:'2\n' grep -c ' STALLED ' out
	kill -STOP "$(cat pid)"
	atf_check -o save:out "$WQSTAT" "$(cat pid)"
	atf_check -o match:"^process $(cat pid) is stopped" head -1 out
	tail -n +2 out | columns > got
	atf_check diff -u want got
}
deadlock_cleanup() {
	end
}

atf_test_case interval cleanup
interval_head() {
	atf_set descr "a stall is seen in the second sample; ages grow"
}
interval_body() {
	need
	start "$(atf_get_srcdir)/h_wqstat"
	atf_check -o save:out "$WQSTAT" -i 0.1 -n 3 "$(cat pid)"
	# Three tables of four lines.
	head -4 out | grep STALLED && atf_fail "too early"
	atf_check -o inline:'2\n' sh -c 'sed -n 5,8p out | grep -c STALLED'
	atf_check -o inline:'2\n' sh -c 'sed -n 9,12p out | grep -c STALLED'
	sed -n 9,12p out | columns > got
	expect > want
	atf_check diff -u want got
}
interval_cleanup() {
	end
}

atf_test_case missed cleanup
missed_head() {
	atf_set descr "after wqstat was stopped, it does not make up for the" \
	    "samples that it missed"
}
# tables: print how many tables have been written.
tables() {
	grep -c '^QUEUE' out || :
}
missed_body() {
	local begin end n

	need
	start "$(atf_get_srcdir)/h_wqstat"
	"$WQSTAT" -i 0.2 "$(cat pid)" > out &
	echo $! > wqstat.pid
	while [ "$(tables)" -lt 1 ]; do
		sleep 0.05
	done
	kill -STOP "$(cat wqstat.pid)"
	while ! grep -q '^State:.T' "/proc/$(cat wqstat.pid)/status"; do
		sleep 0.05
	done
	n=$(tables)
	sleep 2
	begin=$(date +%s%N)
	kill -CONT "$(cat wqstat.pid)"
	# The first of these may come at once.
	while [ "$(tables)" -lt $((n + 4)) ]; do
		sleep 0.05
	done
	end=$(date +%s%N)
	[ $((end - begin)) -ge 500000000 ] || atf_fail \
	    "$(tables) tables, $n before, in $((end - begin)) ns"
}
missed_cleanup() {
	end wqstat.pid
	end
}

atf_test_case terminal cleanup
terminal_head() {
	atf_set descr "on a terminal a table replaces the last; in a file" \
	    "there are plain lines"
	atf_set require.progs script
}
terminal_body() {
	local esc

	need
	esc=$(printf '\033')
	start "$(atf_get_srcdir)/h_wqstat"
	TERM=vt100 script -qc "$WQSTAT -i 0.05 -n 3 $(cat pid)" /dev/null \
	    < /dev/null > out || atf_skip "script(1) fails"
	atf_check -o inline:'3\n' grep -c "$esc\[H" out
	atf_check -o inline:'1\n' grep -c "$esc\[2J" out
	atf_check -o inline:'2\n' grep -c "$esc\[J$esc\[H" out
	TERM=dumb script -qc "$WQSTAT -i 0.05 -n 3 $(cat pid)" /dev/null \
	    < /dev/null > out
	grep "$esc" out && atf_fail "not plain on a dumb terminal"
	atf_check -o save:out "$WQSTAT" -i 0.05 -n 3 "$(cat pid)"
	grep "$esc" out && atf_fail "not plain"
	atf_check -o inline:'12\n' sh -c 'wc -l < out'
}
terminal_cleanup() {
	end
}

atf_test_case narrow cleanup
narrow_head() {
	atf_set descr "80 columns show what is stalled, and the function"
	atf_set require.progs script
}
narrow_body() {
	local esc

	need
	esc=$(printf '\033')
	start "$(atf_get_srcdir)/h_wqstat"
	export TERM=vt100
	script -qc "stty cols 80 rows 24; $WQSTAT -i 0.05 -n 2 $(cat pid)" \
	    /dev/null < /dev/null > out || atf_skip "script(1) fails"
	atf_check -o inline:'2\n' \
	    grep -c "^$esc\[K[fs][a-z]* .* STALLED .* [a-z]*_callback" out
	awk '{ gsub("\033[^A-Z]*[A-Z]", ""); sub("\r", "")
	    if (length > 80) exit 1 }' out || atf_fail "wider than the terminal"
}
narrow_cleanup() {
	end
}

atf_test_case full_row cleanup
full_row_head() {
	atf_set descr "a row as wide as the terminal keeps its last character"
	atf_set require.progs script
}
full_row_body() {
	local esc

	need
	esc=$(printf '\033')
	start "$(atf_get_srcdir)/h_wqstat"
	# NOW IN begins in column 61.
	export TERM=vt100
	script -qc "stty cols 65 rows 24; $WQSTAT -i 0.05 -n 2 $(cat pid)" \
	    /dev/null < /dev/null > out || atf_skip "script(1) fails"
	# Behind such a row the cursor stays on the last character.
	tr -d '\r' < out > rows
	atf_check -o inline:'2\n' grep -c "^$esc\[Kfirst .\{55\}firs$" rows
	atf_check -s exit:1 grep "[a-z-]$esc\[K" rows
}
full_row_cleanup() {
	end
}

atf_test_case once cleanup
once_head() {
	atf_set descr "without -i a terminal shows all rows, as a file does"
	atf_set require.progs script
}
once_body() {
	need
	start "$(atf_get_srcdir)/h_wqstat" many 100
	script -qc "stty cols 80 rows 24; $WQSTAT $(cat pid)" /dev/null \
	    < /dev/null > out || atf_skip "script(1) fails"
	grep "$(printf '\033')" out && atf_fail "clears the screen"
	atf_check -o inline:'100\n' grep -c '^many ' out
}
once_cleanup() {
	end
}

atf_test_case json cleanup
json_head() {
	atf_set descr "the fields of JSON"
}
json_body() {
	need
	start "$(atf_get_srcdir)/h_wqstat"
	atf_check -o save:out "$WQSTAT" -j "$(cat pid)"
	sed -e 's/_ns":[0-9][0-9]*/_ns":N/g' -e 's/"tid":[0-9][0-9]*/"tid":N/' \
	    -e 's/"threads":[01],/"threads":N,/' out > got
	cat > want <<EOF
{"pid":$(cat pid),"stopped":false,"queues":[
{"name":"first","kind":"workqueue","cpu":null,"done":0,"pending":39,\
"running":1,"threads":N,"oldest_ns":N,"running_ns":N,\
"function":"first_callback","tid":N,"stalled":true},
{"name":"second","kind":"workqueue","cpu":null,"done":0,"pending":39,\
"running":1,"threads":N,"oldest_ns":N,"running_ns":N,\
"function":"second_callback","tid":N,"stalled":true},
{"name":"idle","kind":"workqueue","cpu":null,"done":0,"pending":0,\
"running":0,"threads":N,"oldest_ns":N,"running_ns":N,\
"function":null,"tid":null,"stalled":false}]}
EOF
	atf_check diff -u want got
}
json_cleanup() {
	end
}

atf_test_case names cleanup
names_head() {
	atf_set descr "a table has no control characters from names, and" \
	    "JSON has names as they are"
}
names_body() {
	local esc

	need
	esc=$(printf 'a "b\303\251\033[')
	start "$(atf_get_srcdir)/h_wqstat" name "$esc"
	atf_check -o match:'^a_"b___\[  ' "$WQSTAT" "$(cat pid)"
	printf '{"name":"a \\"b\303\251\\u001b[",' > want
	"$WQSTAT" -j "$(cat pid)" > out || atf_fail "no JSON"
	grep -qF "$(cat want)" out || atf_fail "$(cat out)"
	printf '\377' > bad
	kill -9 "$(cat pid)"
	start "$(atf_get_srcdir)/h_wqstat" name "$(cat bad)"
	atf_check -o match:'"name":"\\ufffd"' "$WQSTAT" -j "$(cat pid)"
}
names_cleanup() {
	end
}

atf_test_case static cleanup
static_head() {
	atf_set descr "a static program without symbols is shown"
}
static_body() {
	local mode

	need
	[ -z "$SAN" ] || atf_skip "sanitizers are not for static programs"
	echo 'int main(void) { return 0; }' > none.c
	expect F > want
	for mode in -static -static-pie; do
		${CC} $mode -o none none.c 2> /dev/null || continue
		# shellcheck disable=SC2046
		atf_check ${CC} $mode -s -o prog \
		    "$TOP/tests/sys/host/h_wqstat.c" \
		    $(PKG_CONFIG_PATH="$STAGE/lib/pkgconfig" pkg-config \
		    --static --cflags --libs workqueue)
		start ./prog
		atf_check -o save:out "$WQSTAT" "$(cat pid)"
		columns < out | sed 's/prog+0x[0-9a-f]*/F/' > got
		atf_check diff -u want got
		if gcore -o core "$(cat pid)" > log 2>&1; then
			atf_check -o save:out "$WQSTAT" -c "core.$(cat pid)" \
			    ./prog
			columns < out | sed 's/prog+0x[0-9a-f]*/F/' > got
			atf_check diff -u want got
		fi
		kill -9 "$(cat pid)"
	done
	[ -s pid ] || atf_skip "no static programs here"
}
static_cleanup() {
	end
}

atf_test_case core cleanup
core_head() {
	atf_set descr "a core shows the same table as the process"
	atf_set require.progs gcore
}
core_body() {
	need
	[ -z "$SAN" ] || atf_skip "with a sanitizer a core has terabytes"
	start "$(atf_get_srcdir)/h_wqstat"
	gcore -o core "$(cat pid)" > log 2>&1 || atf_skip "gcore fails"
	atf_check -o save:out "$WQSTAT" -c "core.$(cat pid)" \
	    "$(atf_get_srcdir)/h_wqstat"
	columns < out > got
	expect > want
	atf_check diff -u want got
	grep STALLED out && atf_fail "a core has no time"
	# Make a core without the memory of the library.
	echo 0 > "/proc/$(cat pid)/coredump_filter"
	gcore -o bare "$(cat pid)" > log 2>&1 || atf_skip "gcore fails"
	atf_check -s exit:1 -e match:'is not in the core' "$WQSTAT" \
	    -c "bare.$(cat pid)" "$(atf_get_srcdir)/h_wqstat"
}
core_cleanup() {
	end
}

atf_test_case bad_core cleanup
bad_core_head() {
	atf_set descr "a core that is cut off, and one of another program"
	atf_set require.progs gcore
}
bad_core_body() {
	local core prog

	need
	[ -z "$SAN" ] || atf_skip "with a sanitizer a core has terabytes"
	prog=$(atf_get_srcdir)/h_wqstat
	start "$prog"
	gcore -o core "$(cat pid)" > log 2>&1 || atf_skip "gcore fails"
	core=core.$(cat pid)
	# The same program without symbols is accepted.
	strip -o stripped "$prog"
	atf_check -o match:'^first ' "$WQSTAT" -c "$core" ./stripped
	atf_check -s exit:1 -e match:'/h_wqstat_pool is not the file that' \
	    "$WQSTAT" -c "$core" "$(atf_get_srcdir)/h_wqstat_pool"
	head -c 20000 "$core" > short
	atf_check -s exit:1 -e match:'^wqstat: short: the end of the core is' \
	    "$WQSTAT" -c short "$prog"
}
bad_core_cleanup() {
	end
}

atf_test_case main_ended cleanup
main_ended_head() {
	atf_set descr "a process whose first thread has ended"
}
main_ended_body() {
	need
	# ThreadSanitizer does not know the first thread, which is joined here.
	[ "$SAN" != thread ] || atf_skip "not with the thread sanitizer"
	start "$(atf_get_srcdir)/h_wqstat_pool" ended
	atf_check -o match:'^threadpool/-1 .* 2 .* first_job$' \
	    "$WQSTAT" "$(cat pid)"
}
main_ended_cleanup() {
	end
}

atf_test_case executes cleanup
executes_head() {
	atf_set descr "a process that executes another program: one line"
}
executes_body() {
	need
	start "$(atf_get_srcdir)/h_wqstat" execute
	"$WQSTAT" -i 0.05 "$(cat pid)" > out 2> err &
	while [ ! -s out ]; do
		sleep 0.05
	done
	kill -USR1 "$(cat pid)"
	wait $!
	[ $? -eq 1 ] || atf_fail "wrong status"
	atf_check -o match:"^wqstat: process $(cat pid) has executed another" \
	    cat err
}
executes_cleanup() {
	end
}

atf_test_case no_call cleanup
no_call_head() {
	atf_set descr "a system without process_vm_readv(2)"
}
no_call_body() {
	need
	[ -z "$SAN" ] || atf_skip "a sanitizer must be loaded first"
	cat > none.c <<EOF
#include <errno.h>
long process_vm_readv(void);
long process_vm_readv(void) { errno = ENOSYS; return -1; }
EOF
	atf_check ${CC} -shared -fPIC -o none.so none.c
	start "$(atf_get_srcdir)/h_wqstat"
	atf_check -s exit:1 -e match:'does not have process_vm_readv' \
	    env LD_PRELOAD="$PWD/none.so" "$WQSTAT" "$(cat pid)"
}
no_call_cleanup() {
	end
}

# plugins: make a.so and b.so, which have a function at the same place.
plugins() {
	local s

	for s in a b; do
		cat > $s.c <<-EOC
		#include <semaphore.h>
		void ${s}_callback(void *, sem_t *);
		void ${s}_callback(void *wk, sem_t *s)
		{
			(void)wk;
			sem_post(&s[0]);
			while (sem_wait(&s[1]) != 0)
				continue;
		}
		EOC
		# shellcheck disable=SC2086
		atf_check ${CC} $SANFLAGS -shared -fPIC -o $s.so $s.c
	done
}

atf_test_case plugin cleanup
plugin_head() {
	atf_set descr "-i does not give a function the name that another" \
	    "plug-in had at its place"
}
plugin_body() {
	local where

	need
	plugins
	mkfifo fifo
	"$(atf_get_srcdir)/h_wqstat_plugin" "$PWD/a.so" a_callback \
	    "$PWD/b.so" b_callback > fifo &
	echo $! > pid
	exec 9< fifo
	read -r where <&9
	[ "$where" = ready ] || atf_fail "it does not start"
	"$WQSTAT" -i 0.05 "$(cat pid)" > out 2> err &
	echo $! > watcher
	while ! grep -q '^plugin .* a_callback$' out; do
		kill -0 "$(cat watcher)" || atf_fail "$(cat err)"
		sleep 0.05
	done
	kill -USR1 "$(cat pid)"
	read -r where <&9
	[ "$where" = same ] || atf_skip "the plug-in is $where"
	: > out
	while ! grep -q '^plugin .* [a-z]*_callback$' out; do
		kill -0 "$(cat watcher)" || atf_fail "$(cat err)"
		sleep 0.05
	done
	kill "$(cat watcher)"
	atf_check -o match:'^plugin .* b_callback$' tail -1 out
}
plugin_cleanup() {
	end watcher
	end
}

atf_test_case replaced cleanup
replaced_head() {
	atf_set descr "if a file of the process was replaced, names come from" \
	    "the old file, or there are none"
}
replaced_body() {
	need
	[ -z "$SAN" ] || atf_skip "a sanitizer needs its files"
	plugins
	cp "$(atf_get_srcdir)/h_wqstat_plugin" "$(atf_get_srcdir)/h_wqstat" .
	export LD_LIBRARY_PATH="$STAGE/lib"
	start ./h_wqstat_plugin "$PWD/a.so" a_callback "$PWD/b.so" b_callback
	mv b.so a.so
	atf_check -o save:out "$WQSTAT" "$(cat pid)"
	# Only root may open the old file.
	atf_check -o ignore grep -E '^plugin .* (a_callback|a.so\+0x.*)$' out
	kill -9 "$(cat pid)"
	# The program itself: every user may.
	start ./h_wqstat
	rm h_wqstat
	atf_check -o match:'^first .* first_callback$' "$WQSTAT" "$(cat pid)"
}
replaced_cleanup() {
	end
}

atf_test_case core_upgrade cleanup
core_upgrade_head() {
	atf_set descr "a core is shown if a library was replaced since; names" \
	    "come only from the files that the process had"
	atf_set require.progs "gcore objcopy"
}
core_upgrade_body() {
	local core file prog

	need
	[ -z "$SAN" ] || atf_skip "with a sanitizer a core has terabytes"
	plugins
	mkdir lib
	cp "$STAGE/lib/libworkqueue.so.0" lib
	prog=$(atf_get_srcdir)/h_wqstat_plugin
	start env LD_LIBRARY_PATH="$PWD/lib" "$prog" "$PWD/a.so" a_callback \
	    "$PWD/b.so" b_callback
	gcore -o core "$(cat pid)" > log 2>&1 || atf_skip "gcore fails"
	core=core.$(cat pid)
	atf_check -o match:'^plugin .* a_callback$' "$WQSTAT" -c "$core" "$prog"
	# Keep all files that the process had.
	awk '$6 ~ "^/" { print $6 }' "/proc/$(cat pid)/maps" | sort -u |
	    while read -r file; do
		mkdir -p "old${file%/*}"
		cp "$file" "old$file"
	done
	# Another library with a function at the same place.
	mv b.so a.so
	atf_check -o match:'^plugin .* a.so\+0x[0-9a-f]*$' -e save:err \
	    "$WQSTAT" -c "$core" "$prog"
	atf_check -o match:'^ *1 ' wc -l err
	atf_check -o ignore grep '/a.so is not the file that the process' err
	atf_check -o ignore grep ' build ID [0-9a-f]*, but [0-9a-f]*; ' err
	atf_check -o ignore grep '; -r gives a directory' err
	# The library of the queues itself.
	objcopy --dump-section .note.gnu.build-id=id lib/libworkqueue.so.0
	{ head -c 16 id; tail -c +17 id | tr '\0-\377' '\1-\377\0'; } > id2
	objcopy --update-section .note.gnu.build-id=id2 lib/libworkqueue.so.0
	atf_check -o match:'^plugin  *workqueue  *-  *0  *-  *1 ' -e save:err \
	    "$WQSTAT" -c "$core" "$prog"
	atf_check -o match:'^ *2 ' wc -l err
	atf_check -o ignore grep '/libworkqueue.so.0 is not the file' err
	rm lib/libworkqueue.so.0
	atf_check -o match:'^plugin  *workqueue  *-  *0  *-  *1 ' \
	    -e match:'/libworkqueue.so.0: No such file .*, build ID [0-9a-f]' \
	    "$WQSTAT" -c "$core" "$prog"
	# With the old files all is there again.
	atf_check -o match:'^plugin .* a_callback$' \
	    "$WQSTAT" -r "$PWD/old" -c "$core" "$prog"
}
core_upgrade_cleanup() {
	end
}

atf_test_case core_kind cleanup
core_kind_head() {
	atf_set descr "a core alone has the kind of a pool, and a table has" \
	    "no control characters from it"
	atf_set require.progs gcore
}
core_kind_body() {
	need
	[ -z "$SAN" ] || atf_skip "with a sanitizer a core has terabytes"
	mkdir lib
	cp "$STAGE/lib/libworkqueue.so.0" lib
	start env LD_LIBRARY_PATH="$PWD/lib" "$(atf_get_srcdir)/h_wqstat_pool"
	gcore -o core "$(cat pid)" > log 2>&1 || atf_skip "gcore fails"
	rm lib/libworkqueue.so.0
	atf_check -o match:'^threadpool/-1  *threadpool .* first_job$' \
	    -e ignore "$WQSTAT" -c "core.$(cat pid)" \
	    "$(atf_get_srcdir)/h_wqstat_pool"
	LC_ALL=C sed 's/threadpool\x00/thr\x1b[2Jool\x00/g' \
	    "core.$(cat pid)" > damaged
	atf_check -o match:' thr_\[2Jool  ' -e ignore "$WQSTAT" -c damaged \
	    "$(atf_get_srcdir)/h_wqstat_pool"
}
core_kind_cleanup() {
	end
}

atf_test_case namespace cleanup
namespace_head() {
	atf_set descr "a process in another PID namespace: the numbers of" \
	    "threads are those that wqstat's own namespace has"
	atf_set require.progs "gdb unshare"
}
namespace_body() {
	local ready tid user

	need
	user=-Ur
	[ "$(id -u)" -ne 0 ] || user=
	# shellcheck disable=SC2086
	unshare $user -pf true || atf_skip "no namespaces here"
	mkfifo fifo
	# shellcheck disable=SC2086
	unshare $user -pf --kill-child "$(atf_get_srcdir)/h_wqstat" > fifo &
	echo $! > outer
	read -r ready < fifo
	[ "$ready" = ready ] || atf_fail "it does not start"
	tr -d ' ' < "/proc/$(cat outer)/task/$(cat outer)/children" > pid ||
	    atf_skip "the system does not list children"
	atf_check -o save:out "$WQSTAT" -j "$(cat pid)"
	for tid in $(sed -n 's/.*"tid":\([0-9][0-9]*\).*/\1/p' out); do
		[ -d "/proc/$(cat pid)/task/$tid" ] || atf_fail "no thread $tid"
		echo "$tid"
	done > tids
	atf_check -o match:'^ *2 ' wc -l tids
	attachable
	atf_check -o save:out "$WQSTAT" -s "$(cat pid)"
	atf_check -o match:'first_callback' sed -n '/^first, /,/^second, /p' out
	atf_check -o match:'second_callback' sed -n '/^second, /,$p' out
}
namespace_cleanup() {
	end
	end outer
}

atf_test_case stacks cleanup
stacks_head() {
	atf_set descr "-s prints the stack of each thread that runs an item"
	atf_set require.progs gdb
}
stacks_body() {
	need
	start "$(atf_get_srcdir)/h_wqstat"
	attachable
	atf_check -o save:out "$WQSTAT" -s "$(cat pid)"
	atf_check -o not-empty grep '^first, thread [0-9]*:$' out
	atf_check -o match:'first_callback' sed -n '/^first, /,/^second, /p' out
	atf_check -o match:'second_callback' sed -n '/^second, /,$p' out
}
stacks_cleanup() {
	end
}

atf_test_case stacks_pool cleanup
stacks_pool_head() {
	atf_set descr "-s prints the stack of each thread of a pool"
	atf_set require.progs gdb
}
stacks_pool_body() {
	need
	start "$(atf_get_srcdir)/h_wqstat_pool"
	attachable
	atf_check -o save:out "$WQSTAT" -s "$(cat pid)"
	atf_check -o inline:'2\n' grep -c '^threadpool/-1, thread [0-9]*:$' out
	atf_check -o match:' first_job ' grep '^    #' out
	atf_check -o match:' second_job ' grep '^    #' out
}
stacks_pool_cleanup() {
	end
}

atf_test_case traced cleanup
traced_head() {
	atf_set descr "-s says so if gdb cannot attach to the process"
	atf_set require.progs "gdb strace"
}
traced_body() {
	need
	start "$(atf_get_srcdir)/h_wqstat"
	attachable
	strace -o trace -p "$(cat pid)" 2> attached &
	tracer=$!
	while ! grep -q attached attached; do
		kill -0 $tracer || atf_skip "strace fails: $(cat attached)"
		sleep 0.05
	done
	atf_check -s exit:1 -o match:'^first ' \
	    -e match:'^wqstat: gdb.1. could not read the stacks: .*[a-z]' \
	    "$WQSTAT" -s "$(cat pid)"
	kill $tracer
}
traced_cleanup() {
	end
}

atf_test_case bad cleanup
bad_head() {
	atf_set descr "what cannot be shown: one line, and the exit status"
}
bad_body() {
	local s

	need
	atf_check -s exit:2 -e match:'^usage: ' "$WQSTAT"
	atf_check -s exit:2 -e match:'^usage: ' "$WQSTAT" -c core
	atf_check -s exit:2 -e match:'^usage: ' "$WQSTAT" -z 1
	atf_check -s exit:2 -e match:'^usage: ' "$WQSTAT" -n 1 1
	atf_check -s exit:2 -e match:'^usage: ' "$WQSTAT" -r / 1
	for s in x 0 -1 1x; do
		atf_check -s exit:2 -e inline:"wqstat: $s: not a process ID\n" \
		    "$WQSTAT" -- "$s"
	done
	atf_check -s exit:2 -e inline:'wqstat: 0: not a number of seconds\n' \
	    "$WQSTAT" -i 0 1
	atf_check -s exit:1 -e match:'^wqstat: process 999999999 does not ex' \
	    "$WQSTAT" 999999999
	atf_check -s exit:1 \
	    -e inline:"wqstat: $$: does not use libworkqueue\n" \
	    "$WQSTAT" $$
	atf_check -s exit:1 -e match:'^wqstat: /nowhere: No such file' \
	    "$WQSTAT" -c /nowhere "$WQSTAT"
	atf_check -s exit:1 -e match:'^wqstat: .*: not a core$' \
	    "$WQSTAT" -c "$WQSTAT" "$WQSTAT"
	echo text > text
	atf_check -s exit:1 -e match:'^wqstat: text: not a core$' \
	    "$WQSTAT" -c text "$WQSTAT"
	atf_check -s exit:1 -e match:'^wqstat: text: not a program$' \
	    "$WQSTAT" -c text text
	printf '\177ELF\003\001%100s' ' ' > other
	atf_check -s exit:1 -e match:'^wqstat: other: of another architect' \
	    "$WQSTAT" -c other "$WQSTAT"
	start "$(atf_get_srcdir)/h_wqstat" layout
	atf_check -s exit:1 -e match:'uses libworkqueue [0-9.]*, which this' \
	    "$WQSTAT" "$(cat pid)"
}
bad_cleanup() {
	end
}

atf_test_case architecture cleanup
architecture_head() {
	atf_set descr "a process of another architecture: one line"
}
architecture_body() {
	need
	[ -z "$SAN" ] || atf_skip "once is enough"
	cat > other.c <<-EOC
	void _start(void);
	void _start(void)
	{
		for (;;)
			__asm__ volatile ("int \$0x80" : : "a" (29));
	}
	EOC
	${CC} -m32 -static -nostdlib -o other other.c 2> err &&
	    [ "$(getconf LONG_BIT)" -eq 64 ] ||
	    atf_skip "no programs of 32 bits here"
	./other &
	echo $! > pid
	until readlink "/proc/$(cat pid)/exe" > exe && grep -q '/other$' exe; do
		kill -0 "$(cat pid)" || atf_skip "they do not run here"
		! grep -q /qemu- exe || atf_skip "an emulator runs them"
		sleep 0.05
	done
	atf_check -s exit:1 -e match:'^wqstat: [0-9]*: a program of another' \
	    "$WQSTAT" "$(cat pid)"
}
architecture_cleanup() {
	end
}

atf_test_case ends
ends_head() {
	atf_set descr "a process that ends meanwhile: one line"
}
ends_body() {
	need
	start "$(atf_get_srcdir)/h_wqstat"
	"$WQSTAT" -i 0.05 "$(cat pid)" > out 2> err &
	while [ ! -s out ]; do
		sleep 0.05
	done
	kill -9 "$(cat pid)"
	wait "$(cat pid)"
	wait $!
	[ $? -eq 1 ] || atf_fail "wrong status"
	atf_check -o inline:"wqstat: process $(cat pid) has ended\n" cat err
}

# Make a wqstat that others may run, and set $user to run commands as the
# caller, or for root as another user.
user_prepare() {
	cp "$WQSTAT" .
	chmod 755 . wqstat
	user=
	[ "$(id -u)" -ne 0 ] ||
	    user="setpriv --reuid=65534 --regid=65534 --clear-groups"
	$user true || atf_skip "setpriv fails"
}

# Wait until the process in the file pid is a program of that user.
await_user() {
	while [ "$(stat -c %u "/proc/$(cat pid)")" != "$($user id -u)" ] ||
	    ! grep -q "^$1" "/proc/$(cat pid)/comm"; do
		kill -0 "$(cat pid)" || atf_fail "it has ended"
		sleep 0.05
	done
}

atf_test_case denied cleanup
denied_head() {
	atf_set descr "without permission it says what is missing"
	atf_set require.user root
	atf_set require.progs setpriv
}
denied_body() {
	local user

	need
	start "$(atf_get_srcdir)/h_wqstat"
	user_prepare
	atf_check -s exit:1 -e match:'belongs to user 0; .*workqueue_report' \
	    $user ./wqstat "$(cat pid)"
	kill -9 "$(cat pid)"
	# Another group is enough.
	setpriv --reuid=65534 --clear-groups sleep 1000 &
	echo $! > pid
	await_user sleep
	atf_check -s exit:1 -e match:'belongs to group 0; .*workqueue_report' \
	    $user ./wqstat "$(cat pid)"
}
denied_cleanup() {
	end
}

atf_test_case undumpable cleanup
undumpable_head() {
	atf_set descr "a process that its own user may not read"
	atf_set require.progs setpriv
}
undumpable_body() {
	local user

	need
	user_prepare
	cat > hidden.c <<-EOC
	#include <sys/prctl.h>
	#include <unistd.h>
	int main(void)
	{
		(void)prctl(PR_SET_DUMPABLE, 0);
		(void)prctl(PR_SET_NAME, "hidden");
		for (;;)
			(void)pause();
	}
	EOC
	atf_check ${CC} -o prog hidden.c
	chmod 755 prog
	$user ./prog &
	echo $! > pid
	await_user hidden
	atf_check -s exit:1 -e match:'it is not dumpable, .*workqueue_report' \
	    $user ./wqstat "$(cat pid)"
}
undumpable_cleanup() {
	end
}

atf_test_case scope cleanup
scope_head() {
	atf_set descr "if the ptrace scope forbids it, the message has the" \
	    "scope"
	atf_set require.progs setpriv
}
scope_body() {
	local help scope text user

	need
	[ -z "$SAN" ] || atf_skip "a sanitizer must be loaded first"
	# Few systems that run this test have a scope, so tell wqstat of one.
	cat > deny.c <<-EOC
	#define _GNU_SOURCE
	#include <dlfcn.h>
	#include <errno.h>
	#include <stdio.h>
	#include <stdlib.h>
	#include <string.h>
	long process_vm_readv(void);
	long process_vm_readv(void) { errno = EPERM; return -1; }
	FILE *fopen(const char *name, const char *mode)
	{
		FILE *(*real)(const char *, const char *);

		*(void **)&real = dlsym(RTLD_NEXT, "fopen");
		if (strcmp(name, "/proc/sys/kernel/yama/ptrace_scope") == 0)
			name = getenv("SCOPE");
		return (*real)(name, mode);
	}
	EOC
	atf_check ${CC} -shared -fPIC -o deny.so deny.c -ldl
	user_prepare
	chmod 755 deny.so
	$user sleep 1000 &
	echo $! > pid
	await_user sleep
	help="let the program call workqueue_report(9)"
	while read -r scope text; do
		echo "$scope" > scope
		chmod 644 scope
		echo "wqstat: process $(cat pid): permission denied: $text" \
		    > want
		atf_check -s exit:1 -e file:want $user env SCOPE=scope \
		    LD_PRELOAD=./deny.so ./wqstat "$(cat pid)"
	done <<-EOS
	0 this needs CAP_SYS_PTRACE; run wqstat as root, or $help
	1 kernel.yama.ptrace_scope is 1; run wqstat as root, or $help
	2 kernel.yama.ptrace_scope is 2; run wqstat as root, or $help
	3 kernel.yama.ptrace_scope is 3, until the system is booted again; $help
	EOS
	[ "$(id -u)" -eq 0 ] || return 0
	# Root cannot pass it, either.
	atf_check -s exit:1 -e file:want env SCOPE=scope \
	    LD_PRELOAD=./deny.so ./wqstat "$(cat pid)"
}
scope_cleanup() {
	end
}

atf_test_case many cleanup
many_head() {
	atf_set descr "10,000 queues are all shown"
}
many_body() {
	need
	start "$(atf_get_srcdir)/h_wqstat" many 10000
	atf_check -o save:out "$WQSTAT" "$(cat pid)"
	atf_check -o inline:'10000\n' grep -c '^many ' out
}
many_cleanup() {
	end
}

atf_init_test_cases() {
	atf_add_test_case deadlock
	atf_add_test_case interval
	atf_add_test_case missed
	atf_add_test_case terminal
	atf_add_test_case narrow
	atf_add_test_case full_row
	atf_add_test_case once
	atf_add_test_case json
	atf_add_test_case names
	atf_add_test_case static
	atf_add_test_case core
	atf_add_test_case bad_core
	atf_add_test_case main_ended
	atf_add_test_case executes
	atf_add_test_case no_call
	atf_add_test_case plugin
	atf_add_test_case replaced
	atf_add_test_case core_upgrade
	atf_add_test_case core_kind
	atf_add_test_case namespace
	atf_add_test_case stacks
	atf_add_test_case stacks_pool
	atf_add_test_case traced
	atf_add_test_case bad
	atf_add_test_case architecture
	atf_add_test_case ends
	atf_add_test_case denied
	atf_add_test_case undumpable
	atf_add_test_case scope
	atf_add_test_case many
}
