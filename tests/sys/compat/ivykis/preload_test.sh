#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# libworkqueue_iv under programs that know nothing of it.

LIB=$STAGE/lib/libworkqueue_iv.so.0

need() {
	pkg-config --exists ivykis || atf_skip "ivykis is not installed"
	[ -z "$SAN" ] || atf_skip "a sanitizer cannot be preloaded that way"
}

atf_test_case exports
exports_head() {
	atf_set descr "iv_work's names and no other, without version nodes"
}
exports_body() {
	pkg-config --exists ivykis || atf_skip "ivykis is not installed"
	nm -D --defined-only "$LIB" | awk '{ print $3 }' |
	    grep -vE '^(__asan|__odr_asan|__tsan|__ubsan)' | sort > got
	cat > want <<'EOW'
iv_work_pool_create
iv_work_pool_put
iv_work_pool_submit_continuation
iv_work_pool_submit_work
EOW
	atf_check diff -u want got
}

atf_test_case header
header_head() {
	atf_set descr "the header, and linking by pkg-config"
}
header_body() {
	local pc="env PKG_CONFIG_PATH=$STAGE/lib/pkgconfig pkg-config"

	pkg-config --exists ivykis || atf_skip "ivykis is not installed"
	cat > t.c <<'EOC'
#include <iv.h>
#include <iv_work.h>
#include <iv_work.h>
#include <stddef.h>
static struct iv_work_pool pool;
static struct iv_work_item item;
static void
work(void *cookie)
{

	*(int *)cookie += 1;
}
static void
done(void *cookie)
{

	if (++*(int *)cookie == 4)
		iv_work_pool_put(&pool);
	else
		iv_work_pool_submit_continuation(&pool, &item);
}
int
main(void)
{
	static int n;

	iv_init();
	IV_WORK_POOL_INIT(&pool);
	pool.max_threads = 2;
	if (iv_work_pool_create(&pool) != 0)
		return 1;
	item.cookie = &n;
	item.work = work;
	item.completion = done;
	iv_work_pool_submit_work(&pool, &item);
	iv_main();
	iv_deinit();
	return n != 4;
}
EOC
	atf_check ${CC} -Wall -Wextra -Werror -std=gnu11 $SANFLAGS -o dynamic \
	    t.c $($pc --cflags --libs workqueue-iv) -Wl,-rpath,"$STAGE/lib"
	atf_check ./dynamic
	atf_check -o match:'libworkqueue_iv.so.0' readelf -d dynamic
}

atf_test_case plain
plain_head() {
	atf_set descr "a program linked with ivykis alone, ours preloaded"
}
plain_body() {
	need
	readelf -d "$(atf_get_srcdir)/h_plain" | grep NEEDED > needed
	atf_check -s exit:1 grep workqueue needed
	atf_check -o inline:'iv_work 4\n' \
	    env LD_PRELOAD="$LIB" "$(atf_get_srcdir)/h_plain"
}
[ "$HOST" = linux ] || plain_body() {
	need
	atf_check -o match:' 4$' \
	    env LD_PRELOAD="$LIB" "$(atf_get_srcdir)/h_plain"
}

# Wait until the command succeeds.  The process $pid must not end meanwhile.
await() {
	local i

	for i in $(seq 1200); do
		"$@" && return 0
		kill -0 $pid || atf_fail "it has ended: $(cat log)"
		sleep 0.1
	done
	cat log
	atf_fail "in vain: $*"
}

lines() {
	[ "$(cat "$1" 2>/dev/null | wc -l)" -ge "$2" ]
}

atf_test_case syslog_ng
syslog_ng_head() {
	atf_set descr "syslog-ng on our threads: 100000 messages, each counted"
	atf_set timeout 280
}
syslog_ng_body() {
	local n=100000 i f pid senders= PATH="$PATH:/usr/sbin"

	need
	command -v syslog-ng >/dev/null ||
	    atf_skip "syslog-ng is not installed"
	command -v perl >/dev/null || atf_skip "perl is not installed"
	f=$(syslog-ng --version | sed -n 's/^Config version: //p')
	cat > conf <<EOC
@version: $f
options { threaded(yes); stats-freq(0); };
source s { unix-stream("$PWD/sock" flags(no-parse) max-connections(20)); };
destination d0 { file("$PWD/out0" template("\$MESSAGE\n")); };
destination d1 { file("$PWD/out1" template("\$MESSAGE\n")); };
destination d2 { file("$PWD/out2" template("\$MESSAGE\n")); };
log { source(s); destination(d0); destination(d1); destination(d2);
    flags(flow-control); };
EOC
	LD_PRELOAD="$LIB" syslog-ng -F --no-caps -f conf -R persist -c ctl \
	    -p pid --worker-threads=4 > log 2>&1 &
	pid=$!
	await test -S sock
	# Ten senders at a time.
	for i in 0 1 2 3 4 5 6 7 8 9; do
		seq -f "message $i-%.0f" $((n / 10)) > in$i
	done
	cat > send.pl <<'EOP'
use IO::Socket::UNIX;
my $s = IO::Socket::UNIX->new(Peer => "sock") or die "sock: $!";
while (<STDIN>) { print $s $_ or die "sock: $!"; }
close($s) or die "sock: $!";
EOP
	for i in 0 1 2 3 4 5 6 7 8 9; do
		perl send.pl < in$i &
		senders="$senders $!"
	done
	for i in $senders; do
		wait $i || atf_fail "a sender: status $?"
	done
	for f in out0 out1 out2; do
		await lines $f $n
	done
	# The program has workers of this library, and none of ivykis.
	grep -q libworkqueue_iv /proc/$pid/maps || atf_fail "not preloaded"
	if [ "$HOST" = linux ]; then
		cat /proc/$pid/task/*/comm | sort | uniq -c
		grep -lx iv_work /proc/$pid/task/*/comm ||
		    atf_fail "no worker of ours"
	fi
	kill -TERM $pid
	wait $pid || atf_fail "status $?: $(cat log)"
	cat log
	grep -q 'timed out' log && atf_fail "its end was not noticed"
	sort in? > want
	for f in out0 out1 out2; do
		sort $f > got
		cmp want got || atf_fail "$f is not what was sent"
	done
}

atf_init_test_cases() {
	atf_add_test_case exports
	atf_add_test_case header
	atf_add_test_case plain
	atf_add_test_case syslog_ng
}
