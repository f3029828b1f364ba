# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause

"""Commands and pretty-printers of libworkqueue for gdb(1).

info workqueues           every queue: what is pending, and what runs now
workqueue backtrace ITEM  the stack of the thread that runs an item

They only read memory, so they work on a core, too.  They need the debugging
information of the library.  They do not show callouts and soft interrupts:
wqstat(1) does.
"""

import gdb
import gdb.printing

LIMIT = 10000                   # items of a list that are counted


def value(name):
    """Return the value of a variable of the library."""
    try:
        return gdb.parse_and_eval(name)
    except gdb.error:
        return None


def symbol(address):
    """Return the name of a function."""
    address = int(address)
    if address == 0:
        return '-'
    text = gdb.execute('info symbol %#x' % address, to_string=True)
    if text.startswith('No symbol'):
        return '%#x' % address
    return text.split(' in section ')[0].strip()


def field(v, name, default=0):
    """Return a field that not every version of the library has."""
    try:
        return v[name]
    except gdb.error:
        return default


def follow(first):
    """Yield the addresses of the items of a list, at most LIMIT."""
    pointer = gdb.lookup_type('unsigned long')
    item = int(first)
    count = 0
    # The lowest bit marks a runner, which is the end of an inbox.
    while item != 0 and item & 1 == 0 and count < LIMIT:
        yield item
        count += 1
        item = int(gdb.Value(item).cast(pointer.pointer()).dereference())


def lwps():
    """Yield the threads that the library knows, as struct lwp."""
    runs = int(gdb.parse_and_eval('LWP_RUNS'))
    zero = value('lwp_zero')
    if zero is None:
        raise gdb.GdbError('The library is not loaded, or has no debugging '
                           'information.')
    if int(zero['l_state']) == runs:
        yield zero
    slab = value('lwp_slabs')
    while int(slab) != 0:
        array = slab['ls_lwps']
        low, high = array.type.range()
        for i in range(low, high + 1):
            if int(array[i]['l_state']) == runs:
                yield array[i]
        slab = slab['ls_next']


def thread_number(t):
    """Return the number that a thread has in its own PID namespace."""
    connection = getattr(gdb.selected_inferior(), 'connection', None)
    if connection is None or connection.type == 'native':
        try:
            with open('/proc/%d/task/%d/status' % t.ptid[:2]) as f:
                for line in f:
                    if line.startswith('NSpid:'):
                        return int(line.split()[-1])
        except OSError:
            pass
    return t.ptid[1]


def thread_of(l):
    """Return gdb's thread for a struct lwp, or None."""
    tid = int(l['l_hosttid'])
    for t in gdb.selected_inferior().threads():
        if thread_number(t) == tid:
            return t
    return None


def thread_text(l):
    t = thread_of(l)
    if t is not None:
        return '%d (LWP %d)' % (t.num, t.ptid[1])
    return 'LWP %d' % int(l['l_hosttid'])


class Queue:
    """A queue or a pool.

    Its name, kind and CPU, how many items are done, the addresses of the
    pending ones, and what runs: pairs of a struct lwp and an item.
    """

    def __init__(self, name, kind, cpu, done):
        self.name, self.kind, self.cpu, self.done = name, kind, cpu, done
        self.pending = []
        self.hidden = 0         # pending items whose addresses are unknown
        self.running = []
        self.func = 0

    def function(self, item):
        """Return the client's function for an item that runs or waits."""
        name = symbol(self.func)
        try:
            if name == 'lwq_run':
                t = gdb.lookup_type('struct work_struct')
                v = gdb.Value(item).cast(t.pointer())
                return symbol(v['__ws_func']['__f_new'])
            if name == 'kw_run':
                t = gdb.lookup_type('struct kthread_work')
                return symbol(gdb.Value(item).cast(t.pointer())['func'])
            if name == 'iv_worker_run':
                t = gdb.lookup_type('struct iv_work_item')
                return symbol(gdb.Value(item).cast(t.pointer())['work'])
            if name == 'threadpool_run':
                t = gdb.lookup_type('struct threadpool_job')
                offset = [f.bitpos // 8 for f in t.fields()
                          if f.name == 'job_work'][0]
                v = gdb.Value(item - offset).cast(t.pointer())
                return symbol(v['job_fn'])
        except (gdb.error, IndexError):
            pass
        return name


def cpu_text(ci):
    return '-' if int(ci) == 0 else str(int(ci['ci_index']))


def workqueue_queue(q):
    """Make a Queue from a struct workqueue_queue."""
    wq = q['q_wq'].dereference()
    r = Queue(wq['wq_name'].string(), 'workqueue', cpu_text(q['q_ci']),
              int(q['q_done']))
    r.func = wq['wq_func']
    begun = int(q['q_begun'])
    start = int(q['q_start'])
    for i in range(begun - int(q['q_base']), int(q['q_end']) - start):
        item = int(q['q_batch'][start + i]) & ~1
        if item != 0:
            r.pending.append(item)
    r.pending += follow(q['q_first'])
    r.pending += follow(field(q, 'q_turned'))
    # These two lists begin with the newest item.
    r.pending += reversed(list(follow(field(q, 'q_unturned'))))
    r.pending += reversed(list(follow(q['q_inbox']['in_word'])))
    for l in lwps():
        if int(l['l_wqq']) == int(q.address) and int(l['l_curwork']) != 0:
            r.running.append((l, int(l['l_curwork'])))
    return r


def pool_hidden(r, p, offsets):
    """Set the numbers of a pool that does not see its items."""
    u64 = gdb.lookup_type('unsigned long long').pointer()
    obj = int(p['p_arg'])
    submitted, continued, ring, lane = [
        int(gdb.Value(obj + int(offsets[i])).cast(u64).dereference())
        for i in range(4)]
    active = gdb.Value(obj + int(offsets[4])).cast(
        gdb.lookup_type('int').pointer()).dereference()
    r.hidden = (submitted + continued - ring - lane) & 0xffffffff
    if r.hidden >= 0x80000000:
        r.hidden = 0
    r.done = submitted + continued - r.hidden - int(active)


def pool_queue(p):
    """Make a Queue from a struct wqpool."""
    kind, offsets = p['p_kind'], None
    r = Queue(p['p_name'].string(), 'pool', cpu_text(p['p_ci']),
              int(p['p_ndone']))
    r.func = p['p_func']
    if int(kind) != 0:
        r.kind = kind['pk_name'].string()
        # The offset that is last, PKH_ACTIVE, is not 0 if the pool has any.
        if int(kind['pk_hidden'][4]) != 0:
            offsets = kind['pk_hidden']
            pool_hidden(r, p, offsets)
    batcher = p['p_batcher']
    if int(batcher) != 0:
        begun = int(batcher['wr_begun'])
        r.done += begun - 1
        for i in range(begun, int(batcher['wr_end'])):
            r.pending.append(int(batcher['wr_batch'][i]))
    if offsets is None:
        r.pending += follow(p['p_first'])
        r.pending += reversed(list(follow(p['p_inbox']['in_word'])))
    runner = p['p_runners']
    while int(runner) != 0:
        l = runner['wr_lwp'].dereference()
        item = int(l['l_curwork' if offsets is None else 'l_subitem'])
        if item != 0:
            r.running.append((l, item))
        runner = runner['wr_next']
    return r


def objects():
    """Return the addresses of all queues and pools that can be found."""
    queues, pools = {}, {}
    # The list of all queues, if the library has it.
    root = value('wqpool_statroot')
    if root is not None:
        wq = gdb.lookup_type('struct workqueue').pointer()
        pool = gdb.lookup_type('struct wqpool').pointer()
        chunk = gdb.lookup_type('struct wqstat_chunk').pointer()
        c = root['wr_chunk'].cast(chunk)
        while int(c) != 0:
            low, high = c['sc_slots'].type.range()
            for i in range(low, high + 1):
                slot = c['sc_slots'][i]
                address = int(slot['ss_object'])
                if address == 0:
                    continue
                if int(slot['ss_kind']) == 1:
                    w = slot['ss_object'].cast(wq)
                    for j in range(int(w['wq_nqueues'])):
                        q = w['wq_queues'][j]
                        queues[int(q.address)] = q
                elif int(slot['ss_kind']) == 2:
                    pools[address] = slot['ss_object'].cast(pool).dereference()
            c = c['sc_next']
    # Those that have a thread.
    for l in lwps():
        if int(l['l_wqq']) != 0:
            queues[int(l['l_wqq'])] = l['l_wqq'].dereference()
        outer = l['l_wqouter']
        while int(outer) != 0:
            q = outer['wo_queue']
            queues[int(q)] = q.dereference()
            outer = outer['wo_next']
        if int(l['l_wqpool']) != 0:
            pools[int(l['l_wqpool'])] = l['l_wqpool'].dereference()
    return queues, pools


def all_queues():
    queues, pools = objects()
    for make, found in ((workqueue_queue, queues), (pool_queue, pools)):
        for v in found.values():
            try:
                yield make(v)
            except gdb.MemoryError:
                # It was being created or destroyed.
                pass


def where(item):
    """Return what is known of an item: text, and the thread that runs it."""
    for q in all_queues():
        for l, running in q.running:
            if running == item:
                return 'runs on "%s", thread %s' % (q.name, thread_text(l)), l
        if item in q.pending:
            n = q.pending.index(item)
            return 'pending on "%s", %s' % (q.name, 'next' if n == 0 else
                                            'behind %d' % n), None
    return 'not pending', None


class InfoWorkqueues(gdb.Command):
    """Show every queue: done and pending items, and what runs now."""

    def __init__(self):
        super().__init__('info workqueues', gdb.COMMAND_STATUS)

    def invoke(self, arg, from_tty):
        line = '%-16s %-14s %3s %10s %7s  %s'
        print(line % ('NAME', 'KIND', 'CPU', 'DONE', 'PENDING', 'RUNS'))
        for q in sorted(all_queues(), key=lambda q: (q.name, q.cpu)):
            pending = str(len(q.pending) + q.hidden)
            if len(q.pending) >= LIMIT:
                pending += '+'
            runs = ['%s of item %#x in thread %s' %
                    (q.function(item), item, thread_text(l))
                    for l, item in q.running] or ['-']
            print(line % (q.name, q.kind, q.cpu, q.done, pending, runs[0]))
            for r in runs[1:]:
                print(line % ('', '', '', '', '', r))


class Workqueue(gdb.Command):
    """Commands for the queues of libworkqueue."""

    def __init__(self):
        super().__init__('workqueue', gdb.COMMAND_STACK, prefix=True)


class WorkqueueBacktrace(gdb.Command):
    """Print the stack of the thread that runs an item.

workqueue backtrace [ITEM]
Without an argument, print the stacks of all threads that run an item."""

    def __init__(self):
        super().__init__('workqueue backtrace', gdb.COMMAND_STACK,
                         gdb.COMPLETE_EXPRESSION)

    def invoke(self, arg, from_tty):
        if arg:
            v = gdb.parse_and_eval(arg)
            item = int(v.address if v.type.code == gdb.TYPE_CODE_STRUCT
                       else v)
            text, l = where(item)
            if l is None:
                raise gdb.GdbError('Item %#x is %s.' % (item, text))
            self.show(item, text, l)
            return
        for q in all_queues():
            for l, item in q.running:
                self.show(item, 'runs on "%s", thread %s' %
                          (q.name, thread_text(l)), l)

    def show(self, item, text, l):
        print('Item %#x %s:' % (item, text))
        thread = thread_of(l)
        if thread is None:
            print('gdb does not know this thread.')
            return
        before, frame = gdb.selected_thread(), gdb.selected_frame()
        thread.switch()
        gdb.execute('backtrace')
        if before is not None:
            before.switch()
            frame.select()


class WorkqueuePrinter:
    """A struct workqueue: its name, its function and its queues."""

    def __init__(self, v):
        self.v = v

    def to_string(self):
        return 'workqueue "%s", function %s' % (
            self.v['wq_name'].string(), symbol(self.v['wq_func']))

    def children(self):
        for i in range(min(int(self.v['wq_nqueues']), 1024)):
            q = workqueue_queue(self.v['wq_queues'][i])
            runs = ', runs %s' % ', '.join(
                '%#x' % item for _, item in q.running) if q.running else ''
            yield ('[%d]' % i, '%d done, %d pending%s' %
                   (q.done, len(q.pending), runs))

    def display_hint(self):
        return None


class WorkPrinter:
    """A struct work: whether it is pending, and where."""

    def __init__(self, v):
        self.v = v

    def to_string(self):
        if self.v.address is None:
            return 'work'
        try:
            return 'work, %s' % where(int(self.v.address))[0]
        except gdb.error:
            return 'work'


def printers():
    p = gdb.printing.RegexpCollectionPrettyPrinter('libworkqueue')
    p.add_printer('workqueue', '^workqueue$', WorkqueuePrinter)
    p.add_printer('work', '^work$', WorkPrinter)
    return p


gdb.printing.register_pretty_printer(gdb.current_objfile(), printers(),
                                     replace=True)
InfoWorkqueues()
Workqueue()
WorkqueueBacktrace()
