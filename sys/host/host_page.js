// Copyright (c) 2026 The libworkqueue authors.
// SPDX-License-Identifier: BSD-2-Clause
//
// The timeline of a page: a lane for each thread, a bar for each call, and an
// arrow from each enqueue to its call.

'use strict';

const ROW = 16, LABEL = 160, ARROWS = 400;

// Return the events of the page.  If the program crashed or the disk was full,
// the end is missing, and the last line may be incomplete.
function events() {
	const text = document.getElementById('trace').textContent;
	let list;
	try {
		list = JSON.parse(text);
	} catch (e) {
		list = JSON.parse(text.slice(0, text.lastIndexOf(',\n')) +
		    ']');
	}
	list.forEach((e, i) => { e.order = i; });
	return list.sort((a, b) => (a.ts || 0) - (b.ts || 0) ||
	    a.order - b.order);
}

// Make the threads, with their calls by depth, and the queues, with statistics.
function model(list) {
	const threads = new Map(), queues = new Map(), starts = new Map();
	let begin = Infinity, end = 0;
	const thread = (tid) => {
		if (!threads.has(tid))
			threads.set(tid, { tid: tid, name: 'thread', rows: [],
			    open: [], marks: [] });
		return threads.get(tid);
	};
	for (const e of list) {
		const t = e.tid === undefined ? null : thread(e.tid);
		if (e.ts > end)
			end = e.ts;
		if (e.ph !== 'M' && e.ts < begin)
			begin = e.ts;
		if (e.ph === 'M' && e.name === 'thread_name') {
			t.name = e.args.name;
		} else if (e.ph === 'X') {
			t.marks.push(e.ts);
		} else if (e.ph === 's') {
			starts.set(e.id, { thread: t, ts: e.ts });
		} else if (e.ph === 'B') {
			const depth = t.open.length;
			const call = { name: e.name, queue: e.args.queue,
			    item: e.args.item, start: e.ts, stop: Infinity,
			    thread: t, depth: depth, from: null };
			while (t.rows.length <= depth)
				t.rows.push([]);
			t.rows[depth].push(call);
			t.open.push(call);
		} else if (e.ph === 'f' && t.open.length !== 0) {
			t.open[t.open.length - 1].from =
			    starts.get(e.id) || null;
			starts.delete(e.id);
		} else if (e.ph === 'E' && t.open.length !== 0) {
			t.open.pop().stop = e.ts;
		}
	}
	for (const t of threads.values())
		for (const row of t.rows)
			for (const c of row)
				count(queues, c, end);
	return { threads: [...threads.values()], queues: queues,
	    begin: Math.min(begin, end), end: end };
}

function count(queues, c, end) {
	if (!queues.has(c.queue))
		queues.set(c.queue, { calls: 0, wait: 0, arrows: 0, run: 0,
		    longest: null, slowest: null });
	const q = queues.get(c.queue);
	const run = Math.min(c.stop, end) - c.start;
	q.calls++;
	q.run += run;
	if (q.slowest === null || run > q.slowest.run)
		q.slowest = { run: run, call: c };
	if (c.from !== null) {
		const wait = c.start - c.from.ts;
		q.arrows++;
		q.wait += wait;
		if (q.longest === null || wait > q.longest.wait)
			q.longest = { wait: wait, call: c };
	}
}

// Format a number of microseconds.
function time(us) {
	if (Math.abs(us) >= 1e6)
		return (us / 1e6).toFixed(3) + ' s';
	if (Math.abs(us) >= 1e3)
		return (us / 1e3).toFixed(3) + ' ms';
	return us.toFixed(3) + ' us';
}

function label(t) {
	return t.name + ' ' + t.tid;
}

function colour(name) {
	let h = 0;
	for (let i = 0; i < name.length; i++)
		h = (h * 31 + name.charCodeAt(i)) % 360;
	return 'hsl(' + h + ', 60%, 75%)';
}

// Return the index of the first call of a row that ends after ts.
function search(row, ts) {
	let low = 0, high = row.length;
	while (low < high) {
		const mid = (low + high) >> 1;
		if (row[mid].stop > ts)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

function view(m) {
	const canvas = document.getElementById('lanes');
	const detail = document.getElementById('detail');
	const g = canvas.getContext('2d');
	let from = m.begin, to = Math.max(m.end, from + 1);
	let chosen = null, y = 20;

	for (const t of m.threads) {
		t.y = y;
		y += ROW * Math.max(t.rows.length, 1) + 8;
	}
	const x = (ts) => LABEL + (ts - from) / (to - from) *
	    (canvas.width - LABEL);
	const at = (px) => from + (px - LABEL) / (canvas.width - LABEL) *
	    (to - from);

	function arrow(c) {
		const x1 = x(c.start), y1 = c.thread.y + c.depth * ROW;
		g.beginPath();
		g.moveTo(x(c.from.ts), c.from.thread.y + ROW / 2);
		g.lineTo(x1, y1 + ROW / 2);
		g.lineTo(x1 - 5, y1 + ROW / 2 - 3);
		g.moveTo(x1, y1 + ROW / 2);
		g.lineTo(x1 - 5, y1 + ROW / 2 + 3);
		g.stroke();
	}

	// Draw one row.  Calls within the same pixel share a bar.
	function bars(row, top, shown) {
		let i = search(row, from);
		while (i < row.length && row[i].start < to) {
			const c = row[i];
			const left = Math.max(x(c.start), LABEL);
			const right = Math.min(x(Math.min(c.stop, m.end)),
			    canvas.width);
			const width = Math.max(right - left, 1);
			g.fillStyle = c === chosen ? '#f80' :
			    c.stop === Infinity ? '#f66' : colour(c.queue);
			g.fillRect(left, top, width, ROW - 2);
			if (width > 30) {
				g.fillStyle = '#222';
				g.fillText(c.name.slice(0,
				    Math.floor(width / 6)), left + 2,
				    top + ROW - 6);
			}
			shown.push(c);
			i = width > 1 ? i + 1 :
			    Math.max(i + 1, search(row, at(left + 1)));
		}
	}

	// Draw a mark for each pixel in which the thread enqueues.
	function marks(t) {
		const height = ROW * Math.max(t.rows.length, 1);
		let last = -1;
		g.fillStyle = '#444';
		for (const ts of t.marks) {
			const px = Math.floor(x(ts));
			if (ts < from || ts > to || px === last)
				continue;
			g.fillRect(px, t.y + height - 3, 1, 5);
			last = px;
		}
	}

	function draw() {
		const shown = [];
		canvas.width = canvas.clientWidth;
		canvas.height = y;
		g.font = '11px sans-serif';
		g.clearRect(0, 0, canvas.width, canvas.height);
		for (const t of m.threads) {
			t.rows.forEach((row, d) =>
			    bars(row, t.y + d * ROW, shown));
			marks(t);
		}
		g.strokeStyle = '#0068';
		if (shown.length <= ARROWS)
			shown.filter((c) => c.from !== null).forEach(arrow);
		if (chosen !== null && chosen.from !== null) {
			g.strokeStyle = '#d00';
			arrow(chosen);
		}
		g.clearRect(0, 0, LABEL, canvas.height);
		g.fillStyle = '#222';
		for (const t of m.threads)
			g.fillText(label(t), 4, t.y + ROW - 6);
		g.fillText(time(from), LABEL, 12);
		g.fillText(time(to), canvas.width - 80, 12);
	}

	function tell(c) {
		detail.textContent = c === null ?
		    'Drag to move, turn the wheel to zoom, click a bar.' :
		    c.name + ' of ' + c.queue + ', item ' + c.item +
		    ', on ' + label(c.thread) + '\nwaited ' + (c.from === null ?
		    'for an unknown time' : time(c.start - c.from.ts) +
		    ', enqueued by ' + label(c.from.thread)) + '\n' +
		    (c.stop === Infinity ? 'has not returned' :
		    'ran ' + time(c.stop - c.start));
	}

	function find(px, py) {
		for (const t of m.threads) {
			const d = Math.floor((py - t.y) / ROW);
			if (d < 0 || d >= t.rows.length)
				continue;
			const row = t.rows[d], i = search(row, at(px - 1));
			if (i < row.length && row[i].start <= at(px + 1))
				return row[i];
		}
		return null;
	}

	function show(c) {
		const length = Math.max(Math.min(c.stop, m.end) -
		    (c.from === null ? c.start : c.from.ts), 1);
		chosen = c;
		from = (c.from === null ? c.start : c.from.ts) - length / 2;
		to = from + length * 2;
		tell(c);
		draw();
	}

	function zoom(factor, ts) {
		from = ts - (ts - from) * factor;
		to = ts + (to - ts) * factor;
		draw();
	}

	canvas.addEventListener('wheel', (ev) => {
		ev.preventDefault();
		zoom(ev.deltaY < 0 ? 0.8 : 1.25, at(ev.offsetX));
	});
	canvas.addEventListener('pointermove', (ev) => {
		if (ev.buttons === 0)
			return;
		const d = at(ev.offsetX) - at(ev.offsetX - ev.movementX);
		from -= d;
		to -= d;
		draw();
	});
	canvas.addEventListener('click', (ev) => {
		chosen = find(ev.offsetX, ev.offsetY);
		tell(chosen);
		draw();
	});
	canvas.addEventListener('keydown', (ev) => {
		const mid = (from + to) / 2, step = (to - from) / 10;
		if (ev.key === '+')
			zoom(0.5, mid);
		else if (ev.key === '-')
			zoom(2, mid);
		else if (ev.key === 'ArrowLeft' || ev.key === 'ArrowRight') {
			from += ev.key === 'ArrowLeft' ? -step : step;
			to += ev.key === 'ArrowLeft' ? -step : step;
			draw();
		}
	});
	window.addEventListener('resize', draw);
	tell(null);
	draw();
	return show;
}

// Make a row for each queue.  A click on a figure shows the call.
function table(m, show) {
	const cell = (row, text, call, head) => {
		const td = document.createElement(head ? 'th' : 'td');
		td.textContent = text;
		if (call) {
			td.style.cursor = 'pointer';
			td.addEventListener('click', () => show(call));
		}
		row.appendChild(td);
	};
	const heads = document.createElement('tr');
	for (const h of ['queue', 'calls', 'mean wait', 'longest wait',
	    'mean run', 'longest run'])
		cell(heads, h, null, true);
	document.getElementById('heads').appendChild(heads);
	for (const [name, q] of m.queues) {
		const row = document.createElement('tr');
		cell(row, name, null, false);
		cell(row, String(q.calls), null, false);
		cell(row, q.arrows === 0 ? '' : time(q.wait / q.arrows),
		    null, false);
		cell(row, q.longest === null ? '' : time(q.longest.wait),
		    q.longest && q.longest.call, false);
		cell(row, time(q.run / q.calls), null, false);
		cell(row, time(q.slowest.run), q.slowest.call, false);
		document.getElementById('queues').appendChild(row);
	}
}

document.addEventListener('DOMContentLoaded', () => {
	const m = model(events());
	table(m, view(m));
});
