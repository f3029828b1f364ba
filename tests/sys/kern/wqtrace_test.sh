#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# WORKQUEUE_TRACE, which workqueue_trace(7) describes.  h_trace is the program;
# trace.py checks that each arrow leads from an enqueue to the call of the same
# item, and prints for each queue: enqueues, calls, returns, arrows.

prog() {
	echo "$(atf_get_srcdir)/h_trace"
}

# The simulator has a trace of its own.
need() {
	[ "$HOST" != sim ] || atf_skip "the simulator ignores WORKQUEUE_TRACE"
	command -v python3 >/dev/null || atf_skip "there is no python3"
}

# check FILE LINES [cut]
check() {
	atf_check -o inline:"$2" python3 "$TOP/tests/trace.py" "$1" $3
}

atf_test_case kinds
kinds_head() {
	atf_set descr "queues of each kind, pools, callouts and soft" \
	    "interrupts have arrows from each enqueue to its call"
}
kinds_body() {
	need
	atf_check env WORKQUEUE_TRACE=t.json "$(prog)" kinds
	# The pool's own callouts are not armed.
	check t.json "callout 1 1 1 1
locked 1 1 1 1
percpu 2 2 2 2
polled 1 1 1 1
softint 1 1 1 1
threadpool/-1 1 1 1 1
"
	# Calls have the names of the client's functions.
	for f in trace_item trace_job trace_handler; do
		atf_check -o ignore grep "\"name\":\"$f\"" t.json
	done
	atf_check -o ignore grep \
	    '"thread_name","args":{"name":"locked"}' \
	    t.json
}

atf_test_case million
million_head() {
	atf_set descr "10^6 events of several threads, and none is lost"
	atf_set timeout 600
}
million_body() {
	local n

	need
	n=200000
	[ -z "$SAN" ] || n=20000
	atf_check -o inline:"$n\n" env WORKQUEUE_TRACE=t.json \
	    "$(prog)" many $n
	# An item is five events.
	check t.json "many $n $n $n $n\n"
}

atf_test_case checked
checked_head() {
	atf_set descr "checking mode and a trace do not disturb each other"
}
checked_body() {
	need
	atf_check -e match:'checking mode' env WORKQUEUE_TRACE=t.json \
	    WORKQUEUE_CHECK=1 "$(prog)" kinds
	atf_check -o match:'^callout 1 1 1 1$' -o match:'^percpu 2 2 2 2$' \
	    python3 "$TOP/tests/trace.py" t.json
}

atf_test_case cancelled
cancelled_head() {
	atf_set descr "the arrow of a cancelled item leads nowhere, and not" \
	    "to the next call"
}
cancelled_body() {
	need
	atf_check env WORKQUEUE_TRACE=t.json "$(prog)" cancelled
	check t.json "cancelled 200 100 100 100\n"
}

atf_test_case handler
handler_head() {
	atf_set descr "a handler may enqueue while its thread records"
}
handler_body() {
	need
	atf_check env WORKQUEUE_TRACE=t.json "$(prog)" signal
	python3 "$TOP/tests/trace.py" t.json > out || atf_fail "a bad trace"
	read -r name x b e f < out
	[ "$name" = signal ] && [ "$x" -gt 2000 ] && [ "$x" = "$b" ] &&
	    [ "$x" = "$e" ] && [ "$x" = "$f" ] || atf_fail "$(cat out)"
}

atf_test_case fork
fork_head() {
	atf_set descr "the file has nothing of a forked child"
}
fork_body() {
	need
	# Under ThreadSanitizer such a child cannot start a thread.
	[ "$SAN" != thread ] || atf_skip "a child starts no threads here"
	# LeakSanitizer would look for the parent's threads in the child.
	atf_check env ASAN_OPTIONS=detect_leaks=0 WORKQUEUE_TRACE=t.json \
	    "$(prog)" fork
	check t.json "parent 2 2 2 2\n"
}

atf_test_case exec
exec_head() {
	atf_set descr "a program that is executed with the same environment" \
	    "leaves the file alone, unless %p gives it its own"
}
exec_body() {
	need
	atf_check -o inline:'100\n100\n' \
	    -e match:'^workqueue: WORKQUEUE_TRACE: "t.json".*: no trace$' \
	    env WORKQUEUE_TRACE=t.json "$(prog)" exec
	check t.json "many 100 100 100 100\n"
	atf_check -o inline:'100\n100\n' env WORKQUEUE_TRACE=u%p.json \
	    "$(prog)" exec
	set -- u[1-9]*.json
	[ $# -eq 2 ] || atf_fail "$*"
	check "$1" "many 100 100 100 100\n"
	check "$2" "many 100 100 100 100\n"
}

atf_test_case again
again_head() {
	atf_set descr "a trace replaces the file of an earlier one"
}
again_body() {
	need
	atf_check -o ignore env WORKQUEUE_TRACE=t.json "$(prog)" many 1000
	atf_check -o ignore env WORKQUEUE_TRACE=t.json "$(prog)" many 100
	check t.json "many 100 100 100 100\n"
}

atf_test_case stuck
stuck_head() {
	atf_set descr "a call that does not return is in the file"
}
stuck_body() {
	need
	atf_check env WORKQUEUE_TRACE=t.json "$(prog)" stuck
	check t.json "stuck 1 1 0 1\n"
}

atf_test_case killed
killed_head() {
	atf_set descr "the file of a program that is killed can be read"
}
killed_body() {
	need
	atf_check -s signal:kill -o ignore sh -c \
	    "WORKQUEUE_TRACE=t.json exec '$(prog)' killed"
	atf_check -o match:'^many [1-9]' \
	    python3 "$TOP/tests/trace.py" t.json cut
}

atf_test_case panicked
panicked_head() {
	atf_set descr "the file of a program that panics is complete"
}
panicked_body() {
	need
	atf_check -s signal:abrt -o ignore -e match:'panic: on purpose' sh -c \
	    "WORKQUEUE_TRACE=t.json exec '$(prog)' panic"
	check t.json "many 1000 1000 1000 1000\n"
}

atf_test_case unwritable
unwritable_head() {
	atf_set descr "a file that cannot be written costs one line, and the" \
	    "program goes on"
}
unwritable_body() {
	local f

	for f in none/t.json . /dev/full; do
		atf_check -o inline:'20000\n' -e save:err env \
		    WORKQUEUE_TRACE="$f" "$(prog)" many 20000
		atf_check -o match:"^workqueue: WORKQUEUE_TRACE: .*$f" cat err
		atf_check -o match:'^ *1 ' wc -l err
	done
	[ "$HOST" != sim ] || return 0
	# The disk becomes full in the middle: the size is limited.
	atf_check -o inline:'20000\n' -e save:err sh -c \
	    "ulimit -f 100; WORKQUEUE_TRACE=t.json exec '$(prog)' many 20000"
	atf_check -o match:'the trace ends here$' cat err
	atf_check -o match:'^ *1 ' wc -l err
	# What is there has whole lines.
	atf_check -o match:'},$' tail -1 t.json
	atf_check -o match:'^many [1-9]' \
	    python3 "$TOP/tests/trace.py" t.json cut
}

atf_test_case page_cut
page_cut_head() {
	atf_set descr "the page shows what was written, also if a line is cut"
	atf_set require.progs node
}
page_cut_body() {
	need
	atf_check -o ignore -e ignore sh -c \
	    "ulimit -f 100; WORKQUEUE_TRACE=t.html exec '$(prog)' many 20000"
	# Cut the last line, as another writer would.
	head -c $(($(wc -c < t.html) - 20)) t.html > cut.html
	for f in t.html cut.html; do
		atf_check -o match:'^[1-9][0-9]* enqueue$' node -e '
const html = require("fs").readFileSync(process.argv[1], "utf8");
const at = html.indexOf(">", html.indexOf("id=\"trace\"")) + 1;
const document = { getElementById: () => ({ textContent: html.slice(at) }) };
const js = html.slice(html.indexOf("function events()"));
eval("var events = " + js.slice(0, js.indexOf("\n}\n") + 2));
const n = events().filter((e) => e.name === "enqueue").length;
console.log(n + " enqueue");' "$f"
	done
}

atf_test_case page
page_head() {
	atf_set descr "a name in .html gives a page that needs nothing else," \
	    "with the same events"
}
page_body() {
	need
	atf_check env WORKQUEUE_TRACE=t.html "$(prog)" kinds
	atf_check -o match:'^softint 1 1 1 1$' \
	    python3 "$TOP/tests/trace.py" t.html
	atf_check -s exit:1 grep -iE "http|src=|href|url\(|@import" t.html
	atf_check python3 -c 'import sys, xml.dom.minidom as m
m.parse(sys.argv[1])' t.html
}

atf_test_case page_drawn
page_drawn_head() {
	atf_set descr "the page draws at most a bar for each pixel, and has" \
	    "the figures of each queue"
	atf_set require.progs node
}
page_drawn_body() {
	need
	atf_check -o ignore env WORKQUEUE_TRACE=t.html "$(prog)" many 20000
	cat > view.js <<'EOF'
const html = require("fs").readFileSync(process.argv[2], "utf8");
const cut = (a, b) => html.slice(html.indexOf(a) + a.length).split(b)[0];
const WIDTH = 1000;
let rects = 0, run = null;
const element = () => ({ children: [], style: {}, on: {}, textContent: "",
    clientWidth: WIDTH,
    addEventListener(what, f) { this.on[what] = f; },
    appendChild(e) { this.children.push(e); },
    getContext: () => new Proxy({}, { get: (o, name) => o[name] || (() => {
	if (name === "fillRect")
		rects++;
    }) }) });
const all = {};
globalThis.window = element();
globalThis.document = { createElement: element,
    addEventListener: (what, f) => { run = f; },
    getElementById: (id) => all[id] = all[id] || element() };
document.getElementById("trace").textContent =
    cut("id=\"trace\">", "</script>");
eval(cut("//<![CDATA[", "//]]>"));
run();
// Six threads have a row each, and marks below it.
console.log(rects > 0 && rects < 6 * 2 * WIDTH ? "few" : rects + " bars");
const row = all.queues.children[0].children;
console.log(row[0].textContent, row[1].textContent);
row[3].on.click();
console.log(all.detail.textContent);
EOF
	atf_check -o save:out node view.js t.html
	atf_check -o inline:'few\nmany 20000\n' head -2 out
	atf_check -o ignore grep '^trace_item of many, item .*, on many [0-9]' \
	    out
	atf_check -o ignore grep '^waited .* [mu]*s, enqueued by thread [0-9]' \
	    out
}

atf_init_test_cases() {
	atf_add_test_case kinds
	atf_add_test_case million
	atf_add_test_case checked
	atf_add_test_case cancelled
	atf_add_test_case handler
	atf_add_test_case fork
	atf_add_test_case exec
	atf_add_test_case again
	atf_add_test_case stuck
	atf_add_test_case killed
	atf_add_test_case panicked
	atf_add_test_case unwritable
	atf_add_test_case page_cut
	atf_add_test_case page
	atf_add_test_case page_drawn
}
