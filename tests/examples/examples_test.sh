#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The examples that demonstrate themselves.

EX=$OBJTOP/share/examples/workqueue

# The first message of a program in checking mode.
CHECKING="workqueue: checking mode, version $(env \
    PKG_CONFIG_PATH="$STAGE/lib/pkgconfig" pkg-config --modversion workqueue)\n"

atf_test_case sigdefer
sigdefer_head() {
	atf_set descr "sigdefer turns signals into items: none lost, in order"
}
sigdefer_body() {
	atf_check -o save:out timeout 60 "$EX/sigdefer"
	atf_check -o inline:'done\n' tail -n 1 out
	atf_check -o ignore grep 'asked for by 1000 signals' out
}

atf_test_case sigdefer_wait
sigdefer_wait_head() {
	atf_set descr "sigdefer -w serves signals from outside"
}
sigdefer_wait_body() {
	local i

	"$EX/sigdefer" -w > out &
	# sigdefer prints its name when it is ready.
	for i in $(seq 100); do
		grep -q 'kill -HUP' out && break
		sleep 0.1
	done
	kill -USR1 $!
	for i in $(seq 100); do
		grep -q 'asked for by 1 signal' out && break
		sleep 0.1
	done
	kill -TERM $!
	wait $! || atf_fail "status $?"
	atf_check -o ignore grep 'asked for by 1 signal' out
}

atf_test_case driver
driver_head() {
	atf_set descr "driver shows IPL, the kernel lock and per-CPU queues"
}
driver_body() {
	atf_check -o save:out timeout 60 "$EX/driver"
	atf_check -o ignore grep 'detached' out
	atf_check -o save:out -e inline:"$CHECKING" \
	    env WORKQUEUE_CHECK=1 WORKQUEUE_NCPU=7 \
	    timeout 60 "$EX/driver"
	atf_check -o ignore grep 'detached' out
}

atf_test_case simdev
simdev_head() {
	atf_set descr "simdev finds all samples and all stalls"
}
simdev_body() {
	local n

	cat > want <<-EOF
	sd0: attached
	sd0: stalled, reset
	sd0: stalled, reset
	sd0: detached
	sd0: 200 samples in order, 2 stalls
	EOF
	for n in 1 2 7; do
		atf_check -o file:want env WORKQUEUE_NCPU=$n \
		    timeout 60 "$EX/simdev"
		atf_check -o file:want -e inline:"$CHECKING" \
	    env WORKQUEUE_NCPU=$n \
		    WORKQUEUE_CHECK=1 timeout 60 "$EX/simdev"
	done
}

atf_test_case ivykis_work
ivykis_work_head() {
	atf_set descr "ivykis_work computes beside an event loop"
}
ivykis_work_body() {
	pkg-config --exists ivykis || atf_skip "ivykis is not installed"
	atf_check -o match:'^78498 primes below 1000000$' \
	    timeout 100 "$EX/ivykis_work" 1000000
	atf_check -o match:'^9592 primes below 100000$' -e inline:"$CHECKING" \
	    env WORKQUEUE_CHECK=1 timeout 100 "$EX/ivykis_work" 100000
}

atf_test_case linux_2003_driver
linux_2003_driver_head() {
	atf_set descr "a driver in the dialect of Linux 2.6 runs"
}
linux_2003_driver_body() {
	cat > want <<'EOW'
toy: says so from keventd: 1
toy: 1000 frames, in order; the watchdog barked
EOW
	atf_check -o file:want timeout 60 "$EX/linux_2003_driver"
	atf_check -o file:want -e inline:"$CHECKING" \
	    env WORKQUEUE_CHECK=1 WORKQUEUE_NCPU=3 \
	    timeout 60 "$EX/linux_2003_driver"
}

atf_test_case linux_2003_pipe
linux_2003_pipe_head() {
	atf_set descr "readers and writers sleep at a device"
}
linux_2003_pipe_body() {
	local n

	for n in 1 7 100 65536; do
		atf_check -o save:out env WORKQUEUE_MODPARAMS=size=$n \
		    timeout 100 "$EX/linux_2003_pipe"
		printf 'ring: %d bytes\nring: %s\n' $n \
		    'what was written was read' > want
		atf_check diff -u want out
	done
	atf_check -o ignore -e inline:"$CHECKING" \
	    env WORKQUEUE_CHECK=1 WORKQUEUE_NCPU=3 \
	    timeout 60 "$EX/linux_2003_pipe"
	atf_check -s exit:1 -e match:'ring: error -22' \
	    env WORKQUEUE_MODPARAMS=size=0 timeout 60 "$EX/linux_2003_pipe"
	atf_check -o ignore -e match:'"sise": no module has it' \
	    env WORKQUEUE_MODPARAMS=sise=7 timeout 60 "$EX/linux_2003_pipe"
}

atf_test_case linux_bottom
linux_bottom_head() {
	atf_set descr "an interrupt has its bottom halves"
}
linux_bottom_body() {
	local n

	for n in 1 2 7; do
		atf_check -o inline:'bottom: 50 interrupts served, in order\n' \
		    env WORKQUEUE_NCPU=$n timeout 60 "$EX/linux_bottom"
		atf_check -o inline:'bottom: 9 interrupts served, in order\n' \
		    -e inline:"$CHECKING" env WORKQUEUE_NCPU=$n \
		    WORKQUEUE_CHECK=1 WORKQUEUE_MODPARAMS=events=9 \
		    timeout 60 "$EX/linux_bottom"
	done
}

atf_test_case linux_modern
linux_modern_head() {
	atf_set descr "today's Linux work queues serve requests"
}
linux_modern_body() {
	printf '100 requests, sum 9900\nidle\n' > want
	atf_check -o save:out timeout 60 "$EX/linux_modern"
	sort -u out > got
	atf_check diff -u want got
	atf_check -o ignore -e inline:"$CHECKING" \
	    env WORKQUEUE_CHECK=1 WORKQUEUE_NCPU=3 \
	    timeout 60 "$EX/linux_modern"
}

atf_test_case linux_kthread_worker
linux_kthread_worker_head() {
	atf_set descr "a kthread_worker owns a device"
}
linux_kthread_worker_body() {
	atf_check -o inline:'50 commands in order; polled between\n' \
	    timeout 60 "$EX/linux_kthread_worker"
	atf_check -o ignore -e inline:"$CHECKING" \
	    env WORKQUEUE_CHECK=1 \
	    timeout 60 "$EX/linux_kthread_worker"
}

atf_test_case simulated
simulated_head() {
	atf_set descr "wqsim finds the bugs of simlost and simslot"
}
simulated_body() {
	local p

	[ -x "$STAGE/bin/wqsim" ] || atf_skip "the simulator is not built here"
	for p in simlost simslot; do
		atf_check -s exit:1 -e match:"failed: deadlock" \
		    "$STAGE/bin/wqsim" -n 3000 "$EX/$p"
		atf_check -e match:"no failure in 200 schedules" \
		    "$STAGE/bin/wqsim" -n 200 "$EX/$p" fixed
	done
}

atf_init_test_cases() {
	atf_add_test_case linux_2003_driver
	atf_add_test_case linux_2003_pipe
	atf_add_test_case linux_bottom
	atf_add_test_case linux_kthread_worker
	atf_add_test_case linux_modern
	atf_add_test_case sigdefer
	atf_add_test_case sigdefer_wait
	atf_add_test_case driver
	atf_add_test_case ivykis_work
	atf_add_test_case simdev
	atf_add_test_case simulated
}
