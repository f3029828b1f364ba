/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The bottom halves of today's Linux in one driver.  This exercise teaches
 * which of them to choose.  The interrupt handler records the time under a spin
 * lock and schedules a tasklet, which must not sleep.  The tasklet takes the
 * records and queues a work item, which may sleep.  A timer checks that records
 * arrive, and a completion ends the program.
 *
 *	cc linux_bottom.c $(pkg-config --cflags --libs workqueue-linux)
 *
 * The interrupt is SIGALRM, which a timer of the host sends: see the part after
 * "User space".  See linux_interrupt(9), linux_timer(9) and
 * linux_workqueue(9).
 */

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/interrupt.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/workqueue.h>

#define	BOTTOM_IRQ	14

static int events = 50;
module_param(events, int, 0444);
MODULE_PARM_DESC(events, "how many interrupts to serve");

struct stamp {
	struct list_head link;
	unsigned long	 when;
};

struct bottom {
	spinlock_t	 lock;		/* for the ring; handler uses it */
	unsigned long	 ring[64];	/* jiffies of interrupts */
	unsigned int	 head, tail;

	struct tasklet_struct tasklet;
	struct list_head stamps;	/* from the tasklet; (lock) */
	struct work_struct work;

	struct mutex	 mutex;		/* for served and last */
	int		 served;
	unsigned long	 last;

	struct timer_list watchdog;
	atomic_t	 ticks, barks;
	struct completion done;
};

static struct bottom *bottom;

/* The top half: an interrupt handler, so it is short. */
static irqreturn_t
bottom_handler(int irq, void *arg)
{
	struct bottom *b = arg;

	if (irq != BOTTOM_IRQ)
		return IRQ_NONE;
	spin_lock(&b->lock);
	if (b->head - b->tail < ARRAY_SIZE(b->ring))
		b->ring[b->head++ % ARRAY_SIZE(b->ring)] = jiffies;
	spin_unlock(&b->lock);
	tasklet_schedule(&b->tasklet);
	return IRQ_HANDLED;
}

/* A soft interrupt: it may not sleep, but may take longer. */
static void
bottom_tasklet(struct tasklet_struct *t)
{
	struct bottom *b = from_tasklet(b, t, tasklet);
	struct stamp *s;
	unsigned long flags;
	bool more;

	for (;;) {
		if ((s = kmalloc(sizeof(*s), GFP_ATOMIC)) == NULL)
			return;
		spin_lock_irqsave(&b->lock, flags);
		more = b->head != b->tail;
		if (more) {
			s->when = b->ring[b->tail++ % ARRAY_SIZE(b->ring)];
			list_add_tail(&s->link, &b->stamps);
		}
		spin_unlock_irqrestore(&b->lock, flags);
		if (!more)
			break;
	}
	kfree(s);
	schedule_work(&b->work);
}

/* A thread: it may sleep. */
static void
bottom_work(struct work_struct *w)
{
	struct bottom *b = container_of(w, struct bottom, work);
	struct stamp *next, *s;
	LIST_HEAD(mine);

	spin_lock_irq(&b->lock);
	list_splice_init(&b->stamps, &mine);
	spin_unlock_irq(&b->lock);
	mutex_lock(&b->mutex);
	list_for_each_entry_safe(s, next, &mine, link) {
		WARN_ON(b->served != 0 && time_before(s->when, b->last));
		b->last = s->when;
		list_del(&s->link);
		kfree(s);
		if (++b->served == events)
			complete(&b->done);
	}
	mutex_unlock(&b->mutex);
	/* Records have arrived, so postpone the watchdog. */
	mod_timer(&b->watchdog, jiffies + HZ);
}

static void
bottom_watch(struct timer_list *t)
{
	struct bottom *b = from_timer(b, t, watchdog);

	if (atomic_inc_return(&b->ticks) > 1)
		atomic_inc(&b->barks);
	mod_timer(&b->watchdog, jiffies + HZ);
}

static int __init
bottom_init(void)
{
	struct bottom *b;
	int error;

	if ((b = kzalloc(sizeof(*b), GFP_KERNEL)) == NULL)
		return -ENOMEM;
	spin_lock_init(&b->lock);
	mutex_init(&b->mutex);
	INIT_LIST_HEAD(&b->stamps);
	tasklet_setup(&b->tasklet, bottom_tasklet);
	INIT_WORK(&b->work, bottom_work);
	timer_setup(&b->watchdog, bottom_watch, 0);
	init_completion(&b->done);
	if ((error = request_irq(BOTTOM_IRQ, bottom_handler, 0, "bottom",
	    b)) != 0) {
		kfree(b);
		return error;
	}
	/* Call the watchdog for the first time at once. */
	mod_timer(&b->watchdog, jiffies);
	bottom = b;
	return 0;
}

/* Stop the source of the events first, so that nothing is re-armed later. */
static void __exit
bottom_exit(void)
{
	struct bottom *b = bottom;
	struct stamp *next, *s;

	free_irq(BOTTOM_IRQ, b);
	tasklet_kill(&b->tasklet);
	cancel_work_sync(&b->work);
	timer_shutdown_sync(&b->watchdog);
	list_for_each_entry_safe(s, next, &b->stamps, link)
		kfree(s);
	pr_info("bottom: %d interrupts served, in order\n",
	    min(b->served, events));
	kfree(b);
}

module_init(bottom_init);
module_exit(bottom_exit);
MODULE_LICENSE("BSD");

/*
 * User space.
 */
#include <signal.h>
#include <sys/time.h>

_Static_assert(BOTTOM_IRQ == SIGALRM, "BOTTOM_IRQ");

int
main(void)
{
	static const struct itimerval on = { { 0, 2000 }, { 0, 2000 } };
	static const struct itimerval off;
	int error;

	if ((error = lwq_module_init()) != 0)
		panic("bottom: error %d", error);
	setitimer(ITIMER_REAL, &on, NULL);
	wait_for_completion(&bottom->done);
	setitimer(ITIMER_REAL, &off, NULL);
	/* A signal may still arrive when it has no handler. */
	signal(SIGALRM, SIG_IGN);
	lwq_module_exit();
	return 0;
}
