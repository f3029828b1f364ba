/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Workqueues of 2003, alone and together with today's.
 */

#include "linux_test.h"

#include <linux/module.h>

static atomic_int ran, data_seen;
static struct workqueue_struct *wq;
static sem_t entered, opened;

static void
count(void *data)
{

	atomic_store(&data_seen, (int)(intptr_t)data);
	atomic_fetch_add(&ran, 1);
}

static void
gate(void *data)
{

	(void)data;
	sem_post(&entered);
	test_sem_wait(&opened);
}

static DECLARE_WORK(declared, count, (void *)5);
static struct work_struct closed, w, w2;

static void
close_gate(struct workqueue_struct *q)
{

	sem_init(&entered, 0, 0);
	sem_init(&opened, 0, 0);
	INIT_WORK(&closed, gate, NULL);
	TEST_EQ(1, queue_work(q, &closed));
	test_sem_wait(&entered);
}

TEST_TC(queue, "queue_work: 1, or 0 while pending; func(data)")
{

	wq = create_singlethread_workqueue("old");
	ATF_REQUIRE(wq != NULL);
	close_gate(wq);
	TEST_EQ(1, queue_work(wq, &declared));
	TEST_EQ(0, queue_work(wq, &declared));
	sem_post(&opened);
	flush_workqueue(wq);
	TEST_EQ(1, ran);
	TEST_EQ(5, data_seen);
	destroy_workqueue(wq);
}

TEST_TC(prepare, "PREPARE_WORK changes function and data, even when queued")
{

	wq = create_singlethread_workqueue("old");
	close_gate(wq);
	INIT_WORK(&w, gate, NULL);
	queue_work(wq, &w);
	PREPARE_WORK(&w, count, (void *)9);
	TEST_EQ(0, queue_work(wq, &w));
	sem_post(&opened);
	flush_workqueue(wq);
	TEST_EQ(9, data_seen);
	destroy_workqueue(wq);
}

static char names[7][16];
static atomic_int nnames;
static struct work_struct submits;

static void
name(void *data)
{
	int n = atomic_fetch_add(&nnames, 1);

	(void)data;
#ifdef __linux__
	pthread_getname_np(pthread_self(), names[n], sizeof(names[n]));
#endif
}

static void
submit(void *data)
{

	if (data == NULL)
		queue_work(wq, &w);
	else
		queue_delayed_work(wq, &w, 1);
}

TEST_TC(percpu, "one worker per CPU, named name/N; or one worker, named "
    "name; an item runs on the CPU of the thread that enqueues it, even "
    "after a delay")
{

	TEST_NEED(TEST_CAP_NAMES, "names of threads");
	test_env("WORKQUEUE_NCPU", "3");
	wq = create_workqueue("tenletters");
	INIT_WORK(&w, name, NULL);
	queue_work_on(2, wq, &w);
	flush_workqueue(wq);
	ATF_REQUIRE_STREQ("tenletters/2", names[0]);
	destroy_workqueue(wq);
	wq = create_workqueue("longer-than-any");
	queue_work_on(1, wq, &w);
	flush_workqueue(wq);
	ATF_REQUIRE_STREQ("longer-than-a/1", names[1]);
	destroy_workqueue(wq);
	wq = create_singlethread_workqueue("single%d");
	queue_work(wq, &w);
	flush_workqueue(wq);
	ATF_REQUIRE_STREQ("single%d", names[2]);
	destroy_workqueue(wq);
	TEST_EQ(0, schedule_work_on(2, &w) - 1);
	flush_scheduled_work();
	ATF_REQUIRE_STREQ("events/2", names[3]);
	wq = create_workqueue("submit");
	INIT_WORK(&submits, submit, NULL);
	queue_work_on(1, wq, &submits);
	(void)flush_work(&submits);
	flush_workqueue(wq);
	ATF_REQUIRE_STREQ("submit/1", names[4]);
	PREPARE_WORK(&submits, submit, &w);
	queue_work_on(1, wq, &submits);
	TEST_AWAIT(atomic_load(&nnames) == 6);
	flush_workqueue(wq);
	ATF_REQUIRE_STREQ("submit/1", names[5]);
	queue_delayed_work_on(2, wq, &w, 1);
	TEST_AWAIT(atomic_load(&nnames) == 7);
	destroy_workqueue(wq);
	ATF_REQUIRE_STREQ("submit/2", names[6]);
}

TEST_TC(delayed, "a delay of a plain work_struct; cancelling only stops the "
    "timer")
{

	wq = create_singlethread_workqueue("old");
	INIT_WORK(&w, count, (void *)1);
	TEST_EQ(1, queue_delayed_work(wq, &w, 1000 * HZ));
	TEST_EQ(0, queue_delayed_work(wq, &w, 2));
	TEST_EQ(0, queue_work(wq, &w));
	TEST_EQ(1, cancel_delayed_work(&w));
	TEST_EQ(1, queue_delayed_work(wq, &w, 2));
	TEST_AWAIT(atomic_load(&ran) == 1);
	/* The timer is armed, so the cancel stops it. */
	TEST_EQ(1, queue_delayed_work_on(0, wq, &w, 1000 * HZ));
	TEST_EQ(1, cancel_delayed_work(&w));
	TEST_EQ(0, cancel_delayed_work(&w));
	/* The item is enqueued already, so it will still run. */
	close_gate(wq);
	TEST_EQ(1, queue_delayed_work(wq, &w, 0));
	TEST_EQ(0, cancel_delayed_work(&w));
	sem_post(&opened);
	flush_workqueue(wq);
	TEST_EQ(2, ran);
	TEST_EQ(1, schedule_delayed_work(&w, 1));
	TEST_AWAIT(atomic_load(&ran) == 3);
	TEST_EQ(1, schedule_delayed_work_on(0, &w, 1));
	TEST_AWAIT(atomic_load(&ran) == 4);
	destroy_workqueue(wq);
}

static void
rearm(void *data)
{

	atomic_fetch_add(&ran, 1);
	queue_delayed_work(wq, (struct work_struct *)data, 1);
}

TEST_TC(rearming, "cancel_rearming_* returns, whether or not the callback "
    "arms itself again")
{
	int i, n;

	wq = create_workqueue("old");
	for (i = 0; i < 4; i++) {
		INIT_WORK(&w, rearm, &w);
		queue_work(wq, &w);
		TEST_AWAIT(atomic_load(&ran) > 2 * i);
		if (i % 2 == 0)
			cancel_rearming_delayed_work(&w);
		else
			cancel_rearming_delayed_workqueue(wq, &w);
		n = atomic_load(&ran);
		pause_ms(30);
		TEST_EQ(n, ran);
	}
	/*
	 * An item that does not re-arm itself, and one that was never enqueued.
	 */
	INIT_WORK(&w, count, NULL);
	queue_delayed_work(wq, &w, 1000 * HZ);
	cancel_rearming_delayed_workqueue(wq, &w);
	INIT_WORK(&w2, count, NULL);
	cancel_rearming_delayed_work(&w2);
	destroy_workqueue(wq);
	TEST_EQ(n, ran);
}

static int inner;

static void
flush_inside(void *data)
{

	(void)data;
	queue_work(wq, &w2);
	flush_workqueue(wq);
	inner = atomic_load(&ran);
}

TEST_TC(flush_inside_one, "flush_workqueue from its own worker runs the queue")
{

	wq = create_singlethread_workqueue("old");
	INIT_WORK(&w, flush_inside, NULL);
	INIT_WORK(&w2, count, NULL);
	queue_work(wq, &w);
	flush_workqueue(wq);
	TEST_EQ(1, inner);
	destroy_workqueue(wq);
}

static struct work_struct deep[8];

static void
deeper(void *data)
{
	int n = (int)(intptr_t)data;

	if (n < 7)
		queue_work(wq, &deep[n + 1]);
	flush_workqueue(wq);
	atomic_fetch_add(&ran, 1);
}

static void
depth(void)
{
	int i;

	wq = create_singlethread_workqueue("deep");
	for (i = 0; i < 8; i++)
		INIT_WORK(&deep[i], deeper, (void *)(intptr_t)i);
	queue_work(wq, &deep[0]);
	destroy_workqueue(wq);
	if (ran != 8)
		_exit(1);
}

TEST_TC(flush_depth, "the depth of such runs is limited and reported; all "
    "items run")
{

	test_says(depth, "\"deep\"", "too deep", NULL);
}

static atomic_int keventd;

static void
is_keventd(void *data)
{

	atomic_fetch_add(&keventd, current_is_keventd() +
	    (int)(intptr_t)data);
}

TEST_TC(events, "schedule_work, on each CPU, keventd")
{
	struct execute_work ew;

	test_env("WORKQUEUE_NCPU", "3");
	TEST_EQ(1, keventd_up());
	TEST_EQ(0, current_is_keventd());
	INIT_WORK(&w, is_keventd, (void *)10);
	TEST_EQ(1, schedule_work(&w));
	flush_scheduled_work();
	TEST_EQ(11, keventd);
	TEST_EQ(0, schedule_on_each_cpu(is_keventd, (void *)1));
	TEST_EQ(17, keventd);
	TEST_EQ(0, execute_in_process_context(is_keventd, (void *)3, &ew));
	TEST_EQ(20, keventd);
}

/*
 * "events" of 2003 and of today.
 */
static struct item modern, modern2;
static struct work_struct serial[20];
static atomic_int serial_running, serial_overlaps, serial_next, misordered;

static void
serial_func(void *data)
{

	if (atomic_fetch_add(&serial_running, 1) != 0)
		atomic_fetch_add(&serial_overlaps, 1);
	if (data == NULL)
		gate(NULL);
	else if (atomic_fetch_add(&serial_next, 1) + 1 != (int)(intptr_t)data)
		atomic_fetch_add(&misordered, 1);
	atomic_fetch_sub(&serial_running, 1);
}

TEST_TC(events_serial, "items of 2003 that are scheduled on a CPU run one at "
    "a time, in order; those of today do not wait for them")
{
	int i;

	test_env("WORKQUEUE_NCPU", "2");
	sem_init(&entered, 0, 0);
	sem_init(&opened, 0, 0);
	for (i = 0; i < 20; i++)
		INIT_WORK(&serial[i], serial_func, (void *)(intptr_t)i);
	TEST_EQ(1, schedule_work_on(0, &serial[0]));
	test_sem_wait(&entered);
	for (i = 1; i < 20; i++)
		TEST_EQ(1, i % 2 ? schedule_work_on(0, &serial[i]) :
		    schedule_delayed_work_on(0, &serial[i], 0));
	/*
	 * Two items of today run at once while one of 2003 waits at the gate.
	 */
	item_init(&modern, item_func);
	item_init(&modern2, item_func);
	atomic_store(&modern.i_gate, 1);
	TEST_EQ(true, schedule_work_on(0, WORK(&modern)));
	test_sem_wait(&modern.i_entered);
	TEST_EQ(true, schedule_work_on(0, WORK(&modern2)));
	(void)flush_work(WORK(&modern2));
	TEST_EQ(1, modern2.i_runs);
	TEST_EQ(0, serial_next);
	item_open(&modern);
	sem_post(&opened);
	flush_scheduled_work();
	TEST_EQ(19, serial_next);
	TEST_EQ(0, misordered);
	TEST_EQ(0, serial_overlaps);
}

static atomic_int on_cpu[3];

static void
note_cpu(void *data)
{
#ifdef __linux__
	char buf[16];
	unsigned n;

	pthread_getname_np(pthread_self(), buf, sizeof(buf));
	if (sscanf(buf, "events/%u", &n) == 1 && n < 3)
		atomic_fetch_add(&on_cpu[n], (int)(intptr_t)data);
#else
	(void)data;
#endif
}

static void
note_cpu_new(struct work_struct *ws)
{

	(void)ws;
	note_cpu((void *)10);
}

TEST_TC(events_each_cpu, "schedule_on_each_cpu runs once on every CPU")
{
	int i;

	TEST_NEED(TEST_CAP_NAMES, "names of threads");
	test_env("WORKQUEUE_NCPU", "3");
	TEST_EQ(0, schedule_on_each_cpu(note_cpu, (void *)1));
	TEST_EQ(0, schedule_on_each_cpu(note_cpu_new));
	for (i = 0; i < 3; i++)
		TEST_EQ(11, on_cpu[i]);
}

static void
note_nice(void *data)
{

	*(int *)data = getpriority(PRIO_PROCESS, 0);
}

static int nice_new;

static void
note_nice_new(struct work_struct *ws)
{

	(void)ws;
	note_nice(&nice_new);
}

TEST_TC(priority, "workers of 2003 have nice -5, and those of WQ_HIGHPRI "
    "more priority, if the host permits")
{
#ifdef __linux__		/* where nice is per thread */
	int nice_old, nice_shared, base, high;

	TEST_NEED(TEST_CAP_PRIORITY, "thread priorities");
	wq = create_singlethread_workqueue("nice");
	INIT_WORK(&w, note_nice, &nice_old);
	queue_work(wq, &w);
	destroy_workqueue(wq);
	INIT_WORK(&w, note_nice, &nice_shared);
	schedule_work(&w);
	INIT_WORK(&w2, note_nice_new);
	schedule_work(&w2);
	flush_scheduled_work();
	base = nice_new;
	wq = alloc_workqueue("high", WQ_HIGHPRI | WQ_UNBOUND, 0);
	queue_work(wq, &w2);
	destroy_workqueue(wq);
	high = nice_new;
	TEST_EQ(getpriority(PRIO_PROCESS, 0), base);
	TEST_EQ(nice_old, nice_shared);
	/*
	 * The queues of 2003 have nice -5, whatever the nice value of their
	 * creator.
	 */
	ATF_REQUIRE_MSG(high <= nice_old && (nice_old <= base || base < -5),
	    "%d %d %d", high, nice_old, base);
	/* Root may get nice -5, if it is also root outside its container. */
	if (high != base && base == 0)
		ATF_REQUIRE_MSG(nice_old == -5 || nice_old == high, "%d",
		    nice_old);
#else
	atf_tc_skip("no way to read a thread's niceness here");
#endif
}

static void *
scheduled_flusher(void *arg)
{

	flush_scheduled_work();
	atomic_store((atomic_int *)arg, 1);
	return NULL;
}

TEST_TC(events_flush, "flush_scheduled_work waits for items of both dialects")
{
	atomic_int back;
	pthread_t t;
	int i;

	sem_init(&entered, 0, 0);
	sem_init(&opened, 0, 0);
	/* No shared queue has been created yet. */
	flush_scheduled_work();
	for (i = 0; i < 2; i++) {
		INIT_WORK(&w, gate, NULL);
		item_init(&modern, item_func);
		atomic_store(&modern.i_gate, 1);
		schedule_work(&w);
		schedule_work(WORK(&modern));
		test_sem_wait(&entered);
		test_sem_wait(&modern.i_entered);
		atomic_store(&back, 0);
		t = test_thread(scheduled_flusher, &back);
		if (i == 0)
			item_open(&modern);
		else
			sem_post(&opened);
		pause_ms(30);
		TEST_EQ(0, back);
		if (i == 0)
			sem_post(&opened);
		else
			item_open(&modern);
		test_join(t);
	}
}

static void
modern_keventd(struct work_struct *ws)
{

	(void)ws;
	atomic_fetch_add(&keventd, current_is_keventd());
}

TEST_TC(events_current, "current_is_keventd is true in items of both "
    "dialects")
{

	INIT_WORK(&w, is_keventd, (void *)10);
	INIT_WORK(&w2, modern_keventd);
	schedule_work(&w);
	schedule_work(&w2);
	flush_scheduled_work();
	TEST_EQ(12, keventd);
	wq = create_singlethread_workqueue("other");
	queue_work(wq, &w2);
	destroy_workqueue(wq);
	TEST_EQ(12, keventd);
}

/*
 * Both dialects, one queue.
 */
static struct item now;

TEST_TC(mixed, "both dialects on one queue, in one source")
{

	wq = create_singlethread_workqueue("mixed");
	item_init(&now, item_func);
	INIT_WORK(&w, count, (void *)3);
	close_gate(wq);
	TEST_EQ(1, queue_work(wq, &w));
	TEST_EQ(1, queue_work(wq, WORK(&now)));
	/* The same call: the type tells the dialect. */
	TEST_EQ(0, cancel_delayed_work(&w));
	TEST_EQ(1, cancel_delayed_work(&now.i_dw));
	sem_post(&opened);
	flush_workqueue(wq);
	TEST_EQ(1, ran);
	TEST_EQ(0, now.i_runs);
	/* An item may change its dialect. */
	PREPARE_WORK(&w, item_func);
	INIT_WORK(&w, count, (void *)8);
	TEST_EQ(1, queue_delayed_work(wq, &now.i_dw, 1));
	TEST_EQ(1, queue_delayed_work(wq, &w, 1));
	TEST_AWAIT(atomic_load(&ran) == 2 && atomic_load(&now.i_runs) == 1);
	destroy_workqueue(wq);
}

static void
prints(void)
{

	pr_info("quiet %d\n", 1);
	printk("quiet %d\n", 2);
	pr_warn("loud %d\n", 3);
	printk(KERN_ERR "loud %d\n", 4);
}

TEST_TC(print, "printk: warnings and more urgent messages go to standard "
    "error, others to standard output")
{
	struct test_child tc;

	test_child_lives(&tc, prints);
	ATF_REQUIRE_MSG(strstr(tc.tc_err, "loud 3\n") != NULL &&
	    strstr(tc.tc_err, "loud 4\n") != NULL &&
	    strstr(tc.tc_err, "quiet") == NULL, "%s", tc.tc_err);
}

TEST_TC(small, "jiffies, ERR_PTR, container_of, printk, msleep, kmalloc")
{
	unsigned long j = jiffies;
	int64_t t0 = test_now();
	char *p;

	TEST_EQ(1, msecs_to_jiffies(1));
	TEST_EQ(HZ, msecs_to_jiffies(1000));
	TEST_EQ(0, msecs_to_jiffies(0));
	TEST_EQ(MAX_JIFFY_OFFSET, msecs_to_jiffies((unsigned)-1));
	TEST_EQ(1000, jiffies_to_msecs(HZ));
	msleep(30);
	ATF_REQUIRE(test_now() - t0 >= 30 * 1000000LL);
	ATF_REQUIRE(time_after(jiffies, j));
	ATF_REQUIRE(time_before(j, jiffies));
	p = ERR_PTR(-ENOMEM);
	TEST_EQ(true, IS_ERR(p));
	TEST_EQ(-ENOMEM, PTR_ERR(p));
	ATF_REQUIRE(ERR_CAST(p) == p);
	TEST_EQ(false, IS_ERR(&p));
	p = kzalloc(10, GFP_KERNEL);
	TEST_EQ(0, p[9]);
	kfree(p);
	printk(KERN_INFO "to standard output %d\n", 1);
	pr_err("to standard error %d\n", 2);
}

static struct item aliased;
static atomic_int naliased, kaliased;

static void
runs_on(struct workqueue_struct *q, struct work_struct *ws)
{
	int runs = atomic_load(&aliased.i_runs);

	ATF_REQUIRE(q != NULL);
	TEST_EQ(true, queue_work(q, ws));
	(void)flush_work_sync(ws);
	TEST_EQ(runs + 1, aliased.i_runs);
}

static void
alias(struct work_struct *ws)
{

	(void)ws;
	atomic_fetch_add(&naliased, 1);
}

static void
kalias(struct kthread_work *kk)
{

	(void)kk;
	atomic_fetch_add(&kaliased, 1);
}

static int
sleeper(void *arg)
{

	(void)arg;
	set_current_state(TASK_IDLE);
	if (schedule_timeout(1) != 0 ||
	    schedule_timeout_interruptible(1) != 0 ||
	    schedule_timeout_uninterruptible(1) != 0)
		return 1;
	cond_resched();
	return kthread_worker_fn(arg);
}

static void
prints_all(void)
{

	pr_emerg("loud %d\n", 0);
	pr_alert("loud %d\n", 1);
	pr_crit("loud %d\n", 2);
	pr_err("loud 3\n");
	pr_warning("loud %d\n", 4);
	pr_notice("quiet %d\n", 5);
	pr_info("quiet ");
	pr_cont("%d\n", 6);
	pr_debug("quiet %d\n", 7);
	printk(KERN_DEFAULT "quiet\n");
}

TEST_TC(aliases, "alternative names do the same")
{
	static DECLARE_DEFERRABLE_WORK(deferrable, alias);
	static struct kthread_work first = KTHREAD_WORK_INIT(first, kalias);
	struct kthread_worker kw = KTHREAD_WORKER_INIT(kw);
	struct kthread_work second;
	struct task_struct *t;
	struct workqueue_struct *q;

	item_init(&aliased, item_func);
	q = create_freezable_workqueue("free");
	INIT_WORK_ONSTACK(WORK(&aliased), item_func);
	runs_on(q, WORK(&aliased));
	destroy_work_on_stack(WORK(&aliased));
	TEST_EQ(true, queue_delayed_work(q, &deferrable, 1));
	(void)flush_delayed_work(&deferrable);
	TEST_EQ(1, naliased);
	destroy_workqueue(q);
	q = create_freezeable_workqueue("free");
	INIT_DELAYED_WORK_ONSTACK(&aliased.i_dw, item_func);
	runs_on(q, WORK(&aliased));
	destroy_delayed_work_on_stack(&aliased.i_dw);
	INIT_DEFERRABLE_WORK(&aliased.i_dw, item_func);
	PREPARE_DELAYED_WORK(&aliased.i_dw, item_func);
	runs_on(q, WORK(&aliased));
	destroy_workqueue(q);
	runs_on(system_bh_wq, WORK(&aliased));
	runs_on(system_bh_highpri_wq, WORK(&aliased));
	runs_on(system_freezable_power_efficient_wq, WORK(&aliased));

	init_kthread_worker(&kw);
	t = kthread_run(sleeper, &kw, "sleeper");
	ATF_REQUIRE(!IS_ERR(t));
	TEST_EQ(true, queue_kthread_work(&kw, &first));
	flush_kthread_work(&first);
	TEST_EQ(1, kaliased);
	init_kthread_work(&second, kalias);
	TEST_EQ(true, queue_kthread_work(&kw, &second));
	flush_kthread_worker(&kw);
	TEST_EQ(2, kaliased);
	TEST_EQ(0, kthread_stop(t));
}

TEST_TC(aliases_small, "so do those of printk and delays")
{
	struct test_child tc;
	int64_t t0;
	int i;

	test_child_lives(&tc, prints_all);
	for (i = 0; i <= 4; i++) {
		char s[16];

		snprintf(s, sizeof(s), "<%d>loud %d\n", i, i);
		ATF_REQUIRE_MSG(strstr(tc.tc_err, s) != NULL, "%s",
		    tc.tc_err);
	}
	ATF_REQUIRE(strstr(tc.tc_err, "quiet") == NULL);
	t0 = test_now();
	udelay(1000);
	mdelay(1);
	usleep_range(1000, 2000);
	ATF_REQUIRE(test_now() - t0 >= 3 * 1000000LL);
	ssleep(0);
	TEST_EQ(HZ, round_jiffies(HZ));
	TEST_EQ(HZ, round_jiffies_relative(HZ));
}

static int nwarned, parameter = 5;

module_param(parameter, int, 0);
MODULE_PARM_DESC(parameter, "none");

static void
warns(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		pr_warn_once("once %d\n", i);
		WARN_ON(i == 5);
		WARN_ON_ONCE(i == 5);
		nwarned += WARN_ON(i == 1);
		nwarned += WARN_ON_ONCE(i != 0);
	}
	BUG_ON(nwarned != 3 || READ_ONCE(parameter) != 5);
	WRITE_ONCE(parameter, 10);
	BUG_ON(parameter != printk("%s\n", "ten chars") ||
	    parameter != printk(KERN_ERR "ten chars\n"));
}

static void
bugs(void)
{

	BUG_ON(parameter == 5);
}

TEST_TC(warn, "WARN_ON, BUG_ON, messages that are printed once, and the "
    "length that printk returns")
{
	struct test_child tc;
	const char *p;
	int n;

	test_child_lives(&tc, warns);
	ATF_REQUIRE_MSG(strstr(tc.tc_err, "once 0\n") != NULL &&
	    strstr(tc.tc_err, "once 1") == NULL &&
	    strstr(tc.tc_err, "warns: i == 1\n") != NULL, "%s", tc.tc_err);
	for (n = 0, p = tc.tc_err; (p = strstr(p, "WARNING: ")) != NULL; p++)
		n++;
	TEST_EQ(2, n);
	test_panics(bugs, "BUG: ", "bugs", NULL);
}

TEST_TP_ADD_TCS(tp)
{

	ATF_TP_ADD_TC(tp, queue);
	ATF_TP_ADD_TC(tp, prepare);
	ATF_TP_ADD_TC(tp, percpu);
	ATF_TP_ADD_TC(tp, delayed);
	ATF_TP_ADD_TC(tp, rearming);
	ATF_TP_ADD_TC(tp, flush_inside_one);
	ATF_TP_ADD_TC(tp, flush_depth);
	ATF_TP_ADD_TC(tp, events);
	ATF_TP_ADD_TC(tp, events_serial);
	ATF_TP_ADD_TC(tp, events_each_cpu);
	ATF_TP_ADD_TC(tp, priority);
	ATF_TP_ADD_TC(tp, events_flush);
	ATF_TP_ADD_TC(tp, events_current);
	ATF_TP_ADD_TC(tp, mixed);
	ATF_TP_ADD_TC(tp, print);
	ATF_TP_ADD_TC(tp, small);
	ATF_TP_ADD_TC(tp, warn);
	ATF_TP_ADD_TC(tp, aliases);
	ATF_TP_ADD_TC(tp, aliases_small);
	return atf_no_error();
}
