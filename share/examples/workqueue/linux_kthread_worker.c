/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A kthread_worker of Linux as the one thread that owns a device.  It runs
 * commands in strict order, so the device's state needs no lock, and a poll
 * re-arms itself between them.
 *
 *	cc linux_kthread_worker.c $(pkg-config --cflags --libs workqueue-linux)
 *
 * See linux_kthread_worker(9).
 */

#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/kthread.h>

#define	COMMANDS	50

struct command {
	struct kthread_work work;
	int		set;		/* what to set the device to */
	int		before;		/* what it was */
};

struct device {
	struct kthread_worker *worker;
	struct kthread_delayed_work poll;
	int		state;		/* used by the worker only */
	int		polls;
};

static struct device dev;

static void
command_func(struct kthread_work *w)
{
	struct command *c = container_of(w, struct command, work);

	c->before = dev.state;
	dev.state = c->set;
}

static void
poll_func(struct kthread_work *w)
{
	struct device *d = container_of(w, struct device, poll.work);

	d->polls++;
	kthread_queue_delayed_work(d->worker, &d->poll, 1);
}

int
main(void)
{
	static struct command cmds[COMMANDS];
	int i;

	dev.worker = kthread_create_worker(0, "device");
	if (IS_ERR(dev.worker))
		panic("no worker: error %ld", PTR_ERR(dev.worker));
	kthread_init_delayed_work(&dev.poll, poll_func);
	kthread_queue_delayed_work(dev.worker, &dev.poll, 1);
	for (i = 0; i < COMMANDS; i++) {
		kthread_init_work(&cmds[i].work, command_func);
		cmds[i].set = i + 1;
		kthread_queue_work(dev.worker, &cmds[i].work);
	}
	/* The worker runs in order, so this waits for all commands. */
	kthread_flush_work(&cmds[COMMANDS - 1].work);
	for (i = 0; i < COMMANDS; i++)
		if (cmds[i].before != i)
			panic("command %d came after %d", i, cmds[i].before);
	msleep(50);
	/* This call stops the poll even though the poll re-arms itself. */
	kthread_cancel_delayed_work_sync(&dev.poll);
	kthread_destroy_worker(dev.worker);
	pr_info("%d commands in order; %s\n", COMMANDS,
	    dev.polls > 0 ? "polled between" : "never polled");
	return 0;
}
