/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A driver in the dialect of Linux 2.5 and 2.6.  Its bottom halves are work
 * items, whose functions take a pointer.  It has a queue of its own, and a
 * watchdog that re-arms itself.  The device is a thread that "interrupts" now
 * and then.
 *
 *	cc linux_2003_driver.c $(pkg-config --cflags --libs workqueue-linux) \
 *	    -pthread
 *
 * See linux_workqueue(9).
 */

#include <linux/delay.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include <pthread.h>

#define	RING	64
#define	FRAMES	1000

struct toy {
	struct work_struct rx_work;
	struct work_struct watchdog;
	unsigned int	ring[RING];
	unsigned int	head, tail;	/* atomics: device, driver */
	unsigned int	received, expected;
	unsigned int	barks;
	pthread_t	device;
};

static struct workqueue_struct *toy_wq;
static struct toy *toy;

static void hello(void *);
static DECLARE_WORK(hello_work, hello, "toy");

static void
hello(void *data)
{

	printk(KERN_INFO "%s: says so from keventd: %d\n", (char *)data,
	    current_is_keventd());
}

/* The bottom half: take what the device has left. */
static void
toy_rx(void *data)
{
	struct toy *t = data;
	unsigned int frame;

	while (t->tail != __atomic_load_n(&t->head, __ATOMIC_ACQUIRE)) {
		frame = t->ring[t->tail % RING];
		if (frame != t->expected)
			printk(KERN_ERR "toy: frame %u, not %u\n", frame,
			    t->expected);
		t->expected = frame + 1;
		t->received++;
		__atomic_store_n(&t->tail, t->tail + 1, __ATOMIC_RELEASE);
	}
}

static void
toy_watchdog(void *data)
{
	struct toy *t = data;

	t->barks++;
	queue_delayed_work(toy_wq, &t->watchdog, HZ / 50);
}

/* The top half: it only requests a run of the bottom half. */
static void
toy_interrupt(struct toy *t)
{

	queue_work(toy_wq, &t->rx_work);
}

static void *
toy_device(void *arg)
{
	struct toy *t = arg;
	unsigned int n;

	for (n = 0; n < FRAMES; n++) {
		while (n - __atomic_load_n(&t->tail, __ATOMIC_ACQUIRE) == RING)
			msleep(1);
		t->ring[n % RING] = n;
		__atomic_store_n(&t->head, n + 1, __ATOMIC_RELEASE);
		toy_interrupt(t);
	}
	return NULL;
}

static int __init
toy_init(void)
{

	toy = kzalloc(sizeof(*toy), GFP_KERNEL);
	if (toy == NULL)
		return -ENOMEM;
	toy_wq = create_singlethread_workqueue("toy");
	if (toy_wq == NULL) {
		kfree(toy);
		return -ENOMEM;
	}
	INIT_WORK(&toy->rx_work, toy_rx, toy);
	INIT_WORK(&toy->watchdog, toy_watchdog, toy);
	schedule_work(&hello_work);
	queue_delayed_work(toy_wq, &toy->watchdog, HZ / 50);
	if (pthread_create(&toy->device, NULL, toy_device, toy) != 0)
		panic("toy: no device");
	return 0;
}

static void __exit
toy_exit(void)
{

	pthread_join(toy->device, NULL);
	msleep(100);
	cancel_rearming_delayed_workqueue(toy_wq, &toy->watchdog);
	flush_scheduled_work();
	destroy_workqueue(toy_wq);
	printk(KERN_INFO "toy: %u frames, in order; the watchdog %s\n",
	    toy->received, toy->barks > 1 ? "barked" : "slept");
	kfree(toy);
}

module_init(toy_init);
module_exit(toy_exit);
MODULE_LICENSE("BSD");

int
main(void)
{

	if (lwq_module_init() != 0)
		return 1;
	lwq_module_exit();
	return 0;
}
