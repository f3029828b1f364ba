# Copyright (c) 2026 The libworkqueue authors.
# SPDX-License-Identifier: BSD-2-Clause
#
# trace.py file [cut]: check a trace, and print for each queue how many items
# were enqueued, called, and returned from, and how many arrows there are.  The
# file is JSON, or a page.  cut: the program was killed, so the end may be
# missing, and arrows may be incomplete.

import collections
import json
import sys

cut = len(sys.argv) > 2
text = open(sys.argv[1]).read()
if sys.argv[1].endswith('.html'):
    begin = '<script type="application/json" id="trace">'
    text = text[text.index(begin) + len(begin):]
    text = text.split('</script>')[0]
    if '<' in text or '&' in text:
        sys.exit('markup in the events')
text = text.strip()
if not text.endswith(']'):
    if not cut:
        sys.exit('the end is missing')
    text = text.rstrip(',') + ']'
events = json.loads(text)

pids = set(e['pid'] for e in events)
if len(pids) != 1:
    sys.exit('several processes: %s' % pids)
names = set(e['tid'] for e in events
    if e['ph'] == 'M' and e['name'] == 'thread_name')
for e in events:
    if 'tid' in e and e['tid'] not in names and not cut:
        sys.exit('a thread without a name: %s' % e)

# The viewers sort by time, too.
events = [e for _, e in sorted(enumerate(events),
    key=lambda p: (p[1].get('ts', 0), p[0]))]
queues = collections.defaultdict(lambda: [0, 0, 0, 0])
enqueued = {}
starts = {}
ends = set()
calls = collections.defaultdict(list)
for e in events:
    ph = e['ph']
    if ph == 'X':
        if e['name'] != 'enqueue':
            sys.exit('not an enqueue: %s' % e)
        queues[e['args']['queue']][0] += 1
        enqueued[e['tid']] = e
    elif ph == 's':
        x = enqueued.get(e['tid'])
        if x is None or x['ts'] != e['ts']:
            sys.exit('an arrow begins at no enqueue: %s' % e)
        if e['id'] in starts:
            sys.exit('an arrow begins twice: %s' % e)
        starts[e['id']] = x
    elif ph == 'B':
        queues[e['args']['queue']][1] += 1
        calls[e['tid']].append(e)
    elif ph == 'f':
        if not calls[e['tid']] or calls[e['tid']][-1]['ts'] != e['ts']:
            sys.exit('an arrow ends at no call: %s' % e)
        b = calls[e['tid']][-1]
        if e['id'] in ends:
            sys.exit('an arrow ends twice: %s' % e)
        ends.add(e['id'])
        x = starts.get(e['id'])
        if x is None:
            if not cut:
                sys.exit('an arrow has no begin: %s' % e)
            continue
        if x['args'] != b['args']:
            sys.exit('an arrow leads from %s to %s' % (x, b))
        queues[b['args']['queue']][3] += 1
    elif ph == 'E':
        if not calls[e['tid']]:
            sys.exit('a return without a call: %s' % e)
        b = calls[e['tid']].pop()
        queues[b['args']['queue']][2] += 1
    elif ph != 'M':
        sys.exit('an unknown event: %s' % e)

for name in sorted(queues):
    print(name, *queues[name])
