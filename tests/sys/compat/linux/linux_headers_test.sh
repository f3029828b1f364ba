#
# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#

# The headers of the Linux interface.

PC="env PKG_CONFIG_PATH=$STAGE/lib/pkgconfig pkg-config"

COMPILE="$CC -std=c11 -Wall -Wextra -Werror -c t.c \
    $($PC --cflags workqueue-linux workqueue)"

# The headers, as they are named in sources.
headers() {
	(cd "$STAGE/include/workqueue-linux" && ls linux/*.h asm/*.h)
}

# Compile the sources here with each compiler and language there is.
every() {
	local cc std

	for cc in gcc clang; do
		command -v $cc >/dev/null || continue
		for std in c11 gnu11 gnu17; do
			atf_check $cc -std=$std -Wall -Wextra -Wpedantic \
			    -Werror $($PC --cflags workqueue-linux) "$@" \
			    -fsyntax-only ./*.c
		done
	done
}

atf_test_case alone
alone_head() {
	atf_set descr "each header stands alone, twice, for gcc and clang"
}
alone_body() {
	local h

	for h in $(headers); do
		printf '#include <%s>\n#include <%s>\nint x;\n' $h $h \
		    > "$(echo $h | tr / _).c"
	done
	every
}

atf_test_case together
together_head() {
	atf_set descr "all stand together, in either order, and beside those \
of the host that drivers and programs name"
}
together_body() {
	local h host

	host="errno.h fcntl.h limits.h poll.h pthread.h sched.h semaphore.h"
	host="$host signal.h stdio.h stdlib.h string.h strings.h sys/ioctl.h"
	host="$host sys/param.h sys/stat.h sys/time.h sys/uio.h sys/wait.h"
	host="$host time.h unistd.h"
	[ -e /usr/include/sys/queue.h ] && host="$host sys/queue.h"
	headers | sed 's/.*/#include <&>/' > linux.h
	sort -r linux.h > reverse.h
	for h in $host; do
		echo "#include <$h>"
	done > host.h
	{ cat linux.h; echo 'int x;'; } > t.c
	every
	{ cat reverse.h; echo 'int x;'; } > t.c
	every
	{ cat host.h linux.h; echo 'LIST_HEAD(l); int x;'; } > t.c
	every -D_GNU_SOURCE -Wno-error=pedantic
	{ cat reverse.h host.h; echo 'int x;'; } > t.c
	every -D_GNU_SOURCE -Wno-error=pedantic
}

atf_test_case drivers
drivers_head() {
	atf_set descr "the macros of both dialects are clean with -Wpedantic"
}
drivers_body() {
	cat > t.c <<'EOC'
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/completion.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/semaphore.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

static int a;
static char *s;
static int array[3];
static unsigned int narray;
MODULE_PARM(a, "i");
module_param(s, charp, 0644);
module_param_array(array, int, &narray, 0);
MODULE_PARM_DESC(a, "text");

static DEFINE_SPINLOCK(lock);
static rwlock_t rw;
static DEFINE_MUTEX(mutex);
static DECLARE_MUTEX(sem);
static DEFINE_SEMAPHORE(sem2, 2);
static DECLARE_COMPLETION(done);
static DECLARE_WAIT_QUEUE_HEAD(queue);
static LIST_HEAD(list);
static atomic_t count = ATOMIC_INIT(1);

struct dev {
	struct list_head link;
	struct timer_list timer;
	struct tasklet_struct tasklet;
};

static void old_func(unsigned long data) { (void)data; }
static void old_work(void *data) { (void)data; }
static void
new_func(struct timer_list *t)
{
	struct dev *d = from_timer(d, t, timer);

	(void)d;
}
static void
new_tasklet(struct tasklet_struct *t)
{
	struct dev *d = from_tasklet(d, t, tasklet);

	(void)d;
}
static void new_work(struct work_struct *w) { (void)w; }
static irqreturn_t
old_irq(int irq, void *dev, struct pt_regs *regs)
{

	(void)irq;
	(void)dev;
	(void)regs;
	return IRQ_NONE;
}
static irqreturn_t
new_irq(int irq, void *dev)
{

	(void)irq;
	(void)dev;
	return IRQ_HANDLED;
}
static DEFINE_TIMER(old_timer, old_func, 0, 0);
static DEFINE_TIMER(new_timer, new_func);
static DECLARE_TASKLET(t2, new_tasklet);
static DECLARE_TASKLET(t3, old_func, 0);
static DECLARE_WORK(w2, new_work);
static DECLARE_WORK(w3, old_work, 0);

static int __init
start(void)
{
	struct dev d, *p, *next;
	unsigned long flags;

	spin_lock_init(&lock);
	lock = SPIN_LOCK_UNLOCKED;
	rw = RW_LOCK_UNLOCKED;
	spin_lock_irqsave(&lock, flags);
	spin_unlock_irqrestore(&lock, flags);
	read_lock_irqsave(&rw, flags);
	read_unlock_irqrestore(&rw, flags);
	init_timer(&d.timer);
	d.timer.function = old_func;
	timer_setup(&d.timer, new_func, 0);
	setup_timer(&d.timer, old_func, 1);
	tasklet_init(&d.tasklet, old_func, 2);
	tasklet_setup(&d.tasklet, new_tasklet);
	tasklet_schedule(&t2);
	tasklet_schedule(&t3);
	list_add(&d.link, &list);
	list_for_each_entry(p, &list, link)
		WARN_ON_ONCE(p == NULL);
	list_for_each_entry_safe(p, next, &list, link)
		list_del(&p->link);
	if (WARN_ON(a < 0) || WARN(a < 0, "a is %d\n", a))
		return -EINVAL;
	BUG_ON(a == min(1, 2));
	wait_event(queue, atomic_read(&count) != 0);
	if (wait_event_interruptible(queue, 1) != 0 ||
	    wait_event_timeout(queue, 1, 5) == 0)
		return -ERESTARTSYS;
	if (down_interruptible(&sem) != 0 || down_trylock(&sem2) != 0 ||
	    mutex_lock_interruptible(&mutex) != 0)
		return -ERESTARTSYS;
	complete(&done);
	schedule_work(&w2);
	schedule_work(&w3);
	mod_timer(&old_timer, jiffies);
	mod_timer(&new_timer, jiffies);
	smp_store_release(&a, smp_load_acquire(&array[0]));
	if (request_irq(1, old_irq, SA_SHIRQ, "old", &d) != 0)
		return request_irq(1, new_irq, IRQF_SHARED, "new", &d);
	return 0;
}

static void __exit
end(void)
{
}

module_init(start);
module_exit(end);
MODULE_LICENSE("BSD");
EXPORT_SYMBOL(start);
EOC
	every
}

atf_test_case both
both_head() {
	atf_set descr "two interfaces in one source are refused, by a word \
that says so"
}
both_body() {
	local a b

	a=linux/workqueue.h
	b=sys/workqueue.h
	printf '#include <%s>\n#include <%s>\n' $a $b > t.c
	atf_check -s not-exit:0 -e match:'WQ_PERCPU means two things' $COMPILE
	printf '#include <%s>\n#include <%s>\n' $b $a > t.c
	atf_check -s not-exit:0 -e match:'WQ_PERCPU means two things' $COMPILE
	for a in linux/kthread.h linux/workqueue.h; do
		printf '#include <%s>\nint WQ_MPSAFE, struct_work;\n' $a > t.c
		atf_check $COMPILE
	done
	printf '#include <stdatomic.h>\n#include <linux/atomic.h>\n' > t.c
	atf_check -s not-exit:0 -e match:'cannot be used in one file' \
	    $COMPILE
	printf '#include <%s>\n' sys/mutex.h linux/mutex.h > t.c
	atf_check -s not-exit:0 -e match:'mutex_init\(\) means two things' \
	    $COMPILE -I"$STAGE/include/workqueue-kernel"
	printf '#include <%s>\n' sys/atomic.h linux/atomic.h > t.c
	atf_check -s not-exit:0 -e match:'cannot be used in one file' \
	    $COMPILE -I"$STAGE/include/workqueue-kernel"
	a=linux/kthread.h
	b=sys/kthread.h
	printf '#include <%s>\n#include <%s>\n' $a $b > t.c
	atf_check -s not-exit:0 -e match:'two things' \
	    $COMPILE -I"$STAGE/include/workqueue-kernel"
}

atf_test_case cxx
cxx_head() {
	atf_set descr "C++ is refused, by a word that says so"
	atf_set require.progs "${CXX%% *}"
}
cxx_body() {
	local h

	for h in atomic bitops completion interrupt kthread mutex semaphore \
	    spinlock timer wait workqueue; do
		echo "#include <linux/$h.h>" > t.cc
		atf_check -s not-exit:0 \
		    -e match:"<linux/$h.h> is for C11 only" \
		    ${CXX} -fsyntax-only $($PC --cflags workqueue-linux) t.cc
	done
}

atf_test_case exports
exports_head() {
	atf_set descr "everything exported is lwq_ and declared"
}
exports_body() {
	headers | sed 's/.*/#include <&>/' > t.c
	atf_check -o save:all.i ${CC} -E -P \
	    $($PC --cflags workqueue-linux) t.c
	grep -oE '\<lwq_[a-z0-9_]+ *\(' all.i | tr -d ' (' |
	    grep -vE '^lwq_prepare_work' | sort -u > want
	nm -D --defined-only "$STAGE/lib/libworkqueue_linux.so.0" |
	    awk '$2 != "A" { print $3 }' > symbols
	grep -v '@@LIBWORKQUEUE_LINUX_0\.1$' symbols |
	    grep -vE '^(__asan|__odr_asan|__tsan|__ubsan)' &&
	    atf_fail "exported without a version"
	sed -n 's/@@LIBWORKQUEUE_LINUX_0\.1$//p' symbols | sort -u > got
	atf_check diff -u want got
}

atf_test_case types
types_head() {
	atf_set descr "a function of the wrong dialect is a compile error"
}
types_body() {
	cat > t.c <<'EOC'
#include <linux/workqueue.h>
static void old(void *data) { (void)data; }
static void new(struct work_struct *w) { (void)w; }
struct work_struct w;
void f(void);
void f(void) { INIT_WORK(&w, FUNC); }
EOC
	atf_check $COMPILE -DFUNC='old, 0' -Wno-unused-function
	atf_check $COMPILE -DFUNC=new -Wno-unused-function
	sed -i -e '/^static void old/d' \
	    -e 's/INIT_WORK.*FUNC/INIT_WORK(\&w, new, 0/' t.c
	atf_check -s not-exit:0 -e ignore $COMPILE
}

atf_init_test_cases() {
	atf_add_test_case alone
	atf_add_test_case together
	atf_add_test_case drivers
	atf_add_test_case both
	atf_add_test_case cxx
	atf_add_test_case exports
	atf_add_test_case types
}
