/*
 * Copyright (c) 2026 The libworkqueue authors.
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A pipe as a device, in the dialect of Linux 2.6: a ring of bytes at which
 * readers and writers sleep.  This exercise teaches how a driver blocks.  It
 * releases a semaphore before it sleeps, takes the semaphore again afterwards,
 * and tests the condition once more.  A caller that must not sleep gets
 * -EAGAIN.  Readers use wait_event_interruptible(), and writers spell out the
 * same sleep.
 *
 *	cc linux_2003_pipe.c $(pkg-config --cflags --libs workqueue-linux) \
 *	    -pthread
 *
 * The size of the ring is a parameter, for example WORKQUEUE_MODPARAMS=size=7.
 * The part after "User space" stands for the programs that would open the
 * device.  See linux_wait(9), linux_lock(9) and linux_module(9).
 */

#include <linux/config.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <asm/semaphore.h>

static int size = 100;
MODULE_PARM(size, "i");
MODULE_PARM_DESC(size, "of the ring, in bytes");

struct ring {
	struct semaphore sem;		/* protects what follows */
	char		*bytes;
	int		 first, used;
	int		 nwriters;	/* writers that have it open */

	wait_queue_head_t inq, outq;	/* wait for data, for room */
};

static struct ring *ring;

static void
ring_open_writer(struct ring *r)
{

	down(&r->sem);
	r->nwriters++;
	up(&r->sem);
}

static void
ring_close_writer(struct ring *r)
{

	down(&r->sem);
	r->nwriters--;
	up(&r->sem);
	/* Wake the readers: it is the end of their input. */
	wake_up_interruptible_all(&r->inq);
}

/* Test this without the semaphore, and again with it. */
static int
ring_readable(struct ring *r)
{
	int yes;

	if (down_interruptible(&r->sem) != 0)
		return 0;
	yes = r->used > 0 || r->nwriters == 0;
	up(&r->sem);
	return yes;
}

static long
ring_read(struct ring *r, char *buf, long count, int nonblock)
{
	long n;

	if (down_interruptible(&r->sem) != 0)
		return -ERESTARTSYS;
	while (r->used == 0) {
		n = r->nwriters;
		up(&r->sem);
		if (n == 0)
			return 0;
		if (nonblock)
			return -EAGAIN;
		if (wait_event_interruptible(r->inq, ring_readable(r)) != 0)
			return -ERESTARTSYS;
		if (down_interruptible(&r->sem) != 0)
			return -ERESTARTSYS;
	}
	/* Copy up to the end of the ring; the next call does the rest. */
	n = min(count, (long)r->used);
	n = min(n, (long)(size - r->first));
	memcpy(buf, r->bytes + r->first, (size_t)n);
	r->first = (r->first + (int)n) % size;
	r->used -= (int)n;
	up(&r->sem);
	wake_up_interruptible(&r->outq);
	return n;
}

/*
 * Wait for room.  The caller holds the semaphore.  It still holds it on return,
 * unless there was an error.
 */
static int
ring_wait_room(struct ring *r, int nonblock)
{
	int full;

	while (r->used == size) {
		DEFINE_WAIT(wait);

		up(&r->sem);
		if (nonblock)
			return -EAGAIN;
		/*
		 * Add ourselves to the wait queue before the test, so that we
		 * do not miss a wake-up.
		 */
		prepare_to_wait(&r->outq, &wait, TASK_INTERRUPTIBLE);
		down(&r->sem);
		full = r->used == size;
		up(&r->sem);
		if (full)
			schedule();
		finish_wait(&r->outq, &wait);
		if (signal_pending(current))
			return -ERESTARTSYS;
		if (down_interruptible(&r->sem) != 0)
			return -ERESTARTSYS;
	}
	return 0;
}

static long
ring_write(struct ring *r, const char *buf, long count, int nonblock)
{
	int error, last;
	long n;

	if (down_interruptible(&r->sem) != 0)
		return -ERESTARTSYS;
	if ((error = ring_wait_room(r, nonblock)) != 0)
		return error;
	last = (r->first + r->used) % size;
	n = min(count, (long)(size - r->used));
	n = min(n, (long)(size - last));
	memcpy(r->bytes + last, buf, (size_t)n);
	r->used += (int)n;
	up(&r->sem);
	wake_up_interruptible(&r->inq);
	return n;
}

static int __init
ring_init(void)
{

	if (size < 1)
		return -EINVAL;
	ring = kmalloc(sizeof(*ring), GFP_KERNEL);
	if (ring == NULL)
		return -ENOMEM;
	memset(ring, 0, sizeof(*ring));
	ring->bytes = kmalloc((size_t)size, GFP_KERNEL);
	if (ring->bytes == NULL) {
		kfree(ring);
		return -ENOMEM;
	}
	init_MUTEX(&ring->sem);
	init_waitqueue_head(&ring->inq);
	init_waitqueue_head(&ring->outq);
	printk(KERN_INFO "ring: %d bytes\n", size);
	return 0;
}

static void __exit
ring_exit(void)
{

	kfree(ring->bytes);
	kfree(ring);
}

module_init(ring_init);
module_exit(ring_exit);
MODULE_LICENSE("BSD");

/*
 * User space.
 */
#include <pthread.h>

#define	BYTES	20000
#define	PAIRS	2

static unsigned long wrote[PAIRS], got[PAIRS];	/* sums */

static void *
write_all(void *arg)
{
	unsigned long *sum = arg;
	char buf[37];
	int i, n, total;

	for (total = 0; total < BYTES; total += n) {
		n = BYTES - total < (int)sizeof(buf) ? BYTES - total :
		    (int)sizeof(buf);
		for (i = 0; i < n; i++)
			buf[i] = (char)((total + i) % 101);
		n = (int)ring_write(ring, buf, n, 0);
		if (n < 0)
			panic("write: error %d", n);
		for (i = 0; i < n; i++)
			*sum += (unsigned char)buf[i];
	}
	ring_close_writer(ring);
	return NULL;
}

static void *
read_all(void *arg)
{
	unsigned long *sum = arg;
	char buf[53];
	long i, n;

	while ((n = ring_read(ring, buf, sizeof(buf), 0)) != 0) {
		if (n < 0)
			panic("read: error %ld", n);
		for (i = 0; i < n; i++)
			*sum += (unsigned char)buf[i];
	}
	return NULL;
}

int
main(void)
{
	pthread_t readers[PAIRS], writers[PAIRS];
	unsigned long sum, want;
	char c = 'x';
	int i;

	if ((i = lwq_module_init()) != 0) {
		printk(KERN_ERR "ring: error %d\n", i);
		return 1;
	}
	ring_open_writer(ring);
	if (ring_read(ring, &c, 1, 1) != -EAGAIN)
		panic("an empty ring can be read");
	for (i = 0; i < size; i++)
		if (ring_write(ring, &c, 1, 1) != 1)
			panic("a ring with room cannot be written");
	if (ring_write(ring, &c, 1, 1) != -EAGAIN)
		panic("a full ring can be written");
	for (i = 0; i < size; i++)
		if (ring_read(ring, &c, 1, 1) != 1)
			panic("a full ring cannot be read");
	for (i = 0; i < PAIRS; i++) {
		ring_open_writer(ring);
		if (pthread_create(&readers[i], NULL, read_all, &got[i]) != 0 ||
		    pthread_create(&writers[i], NULL, write_all, &wrote[i]) !=
		    0)
			panic("no thread");
	}
	for (i = 0; i < PAIRS; i++)
		pthread_join(writers[i], NULL);
	ring_close_writer(ring);
	for (i = 0; i < PAIRS; i++)
		pthread_join(readers[i], NULL);
	sum = want = 0;
	for (i = 0; i < PAIRS; i++) {
		sum += got[i];
		want += wrote[i];
	}
	lwq_module_exit();
	printk(KERN_INFO "ring: %s\n", sum == want ?
	    "what was written was read" : "something was lost");
	return sum == want ? 0 : 1;
}
