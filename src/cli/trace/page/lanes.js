// What the lanes show, made from the events once: slices in typed arrays, in order of time within their lane, so that what is in
// view is found by binary search however many there are.

/// First index in [lo, hi) whose value is above x.
function above(array, x, lo, hi) {
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (array[mid] > x) hi = mid; else lo = mid + 1;
  }
  return lo;
}

/// Slices of one lane, which do not overlap: begin, end, what, and the sum of the lengths before each, of those that are `only`.
class Slices {
  constructor(only = -1) { this.only = only; this.begin = []; this.end = []; this.what = []; this.first = []; this.last = []; }
  add(begin, end, what, first = -1, last = -1) {
    this.begin.push(begin); this.end.push(Math.max(begin, end)); this.what.push(what); this.first.push(first); this.last.push(last);
  }
  seal() {
    const n = this.count = this.begin.length;
    for (const name of ["begin", "end"]) this[name] = Float64Array.from(this[name]);
    for (const name of ["what", "first", "last"]) this[name] = Int32Array.from(this[name]);
    this.sum = new Float64Array(n + 1);
    for (let i = 0; i < n; i++) this.sum[i + 1] = this.sum[i] + (this.counts(i) ? this.end[i] - this.begin[i] : 0);
    return this;
  }
  counts(i) { return this.only < 0 || this.what[i] === this.only; }
  /// How much of the time up to t is covered.
  covered(t) {
    const i = above(this.begin, t, 0, this.count);
    return i ? this.sum[i] - (this.counts(i - 1) ? Math.max(0, this.end[i - 1] - t) : 0) : 0;
  }
  /// The slice at a time, or the one nearest to it within reach; -1: none.
  at(t, reach) {
    const i = above(this.begin, t, 0, this.count);
    const far = k => k < 0 || k >= this.count ? Infinity : Math.max(0, this.begin[k] - t, t - this.end[k]);
    const best = far(i - 1) <= far(i) ? i - 1 : i;
    return far(best) <= reach ? best : -1;
  }
}

// What a thread does, and what a goroutine does.
const RUNS = 0, LOOKS = 1, SLEEPS = 2;
const RUN = 0, READY = 1, WAIT = 2;

// Goroutines have numbers from 0 here, in the order in which they are first seen.
const gIndex = new Map(), gIds = [];
function indexOf(g) {
  let i = gIndex.get(g);
  if (i === undefined) { i = gIds.length; gIndex.set(g, i); gIds.push(g); }
  return i;
}

const from = head.dropped ? head.from : origin, end = head.end;
const ps = [], psByNumber = new Map(), jobs = [], alive = { time: [], value: [] }, globalQueue = { time: [], value: [] };
const stops = new Slices(), collections = new Slices(), timers = [], steals = [];
// Events that make a goroutine ready: it was woken, or is new.
const readies = [];
// Slices of all Ps as pairs of P and index, as they begin; `gSlices` has their numbers by goroutine.
let sliceP = [], sliceI = [], sliceG = [];
let gCreated, gEvents, gOffsets, gSlices, gSliceOffsets;

function pOf(number) {
  let p = psByNumber.get(number);
  if (!p) {
    p = { number, runs: new Slices(), thread: new Slices(RUNS), queue: { time: [], value: [] }, open: -1, g: 0, since: from, state: 1 };
    psByNumber.set(number, p);
    ps.push(p);
  }
  return p;
}

function build() {
  // Those that never ran are shown as well.
  for (let p = 0; p < head.procs; p++) pOf(p).state = SLEEPS;
  const K = KIND, hasG = head.table.map(t => t.fields.some(f => f[0] === "g"));
  const own = new Int32Array(ev.count).fill(-1);
  let living = 0, stopSince = -1, collectSince = -1;
  const threadTo = (p, t, state) => {
    if (t > p.since || state !== p.state) { p.thread.add(p.since, t, p.state); p.since = t; }
    p.state = state;
  };
  const start = (p, g, t, i) => {
    p.g = g; p.begin = t; p.open = i;
    sliceP.push(p.number); sliceI.push(p.runs.begin.length); sliceG.push(indexOf(g));
    threadTo(p, t, RUNS);
  };
  const stop = (p, t, i) => {
    if (p.g) { p.runs.add(Math.max(from, p.begin), t, indexOf(p.g), p.open, i); p.g = 0; threadTo(p, t, LOOKS); }
  };
  for (let i = 0; i < ev.count; i++) {
    const kind = ev.kind[i], t = ev.time[i], g = ev.g[i];
    if (hasG[kind] && g) own[i] = indexOf(g);
    if (kind === K.Create) living++;
    if (i < head.remembered) continue;
    if (!alive.time.length) { alive.time.push(from); alive.value.push(living); }
    const p = ev.p[i] === NO_P ? null : pOf(ev.p[i]);
    switch (kind) {
      case K.Create: alive.time.push(t); alive.value.push(living); readies.push(i); break;
      case K.Start:
        stop(p, t, -1);
        start(p, g, t, i);
        p.queue.time.push(t); p.queue.value.push(ev.n[i]);
        globalQueue.time.push(t); globalQueue.value.push(ev.by[i]);
        break;
      case K.End: living--; alive.time.push(t); alive.value.push(living);
      // falls through
      case K.Preempt: case K.Yield: case K.Park:
        // What began before the recording did has no event of its beginning.
        if (!p.g && !p.runs.begin.length) start(p, g, from, -1);
        stop(p, t, i);
        break;
      case K.Ready: readies.push(i); break;
      case K.Steal: {
        steals.push(i);
        const { time, value } = pOf(ev.by[i]).queue;
        if (value.length) { time.push(t); value.push(Math.max(0, value[value.length - 1] - ev.n[i])); }
        break;
      }
      case K.Timer: timers.push(t); break;
      case K.Idle: threadTo(p, t, SLEEPS); p.queue.time.push(t); p.queue.value.push(0); break;
      case K.Wake: threadTo(p, t, LOOKS); break;
      case K.JobStart: {
        let job = jobs.find(j => !j.g);
        if (!job) jobs.push(job = { slices: new Slices() });
        job.g = g; job.begin = t; job.open = i;
        break;
      }
      case K.JobEnd: {
        const job = jobs.find(j => j.g === g);
        if (job) { job.slices.add(job.begin, t, indexOf(g), job.open, i); job.g = 0; }
        break;
      }
      case K.StopBegin: stopSince = t; break;
      case K.StopEnd: if (stopSince >= 0) stops.add(stopSince, t, i); stopSince = -1; break;
      case K.Collect:
        if (ev.why[i] < 2) collectSince = t;
        else if (collectSince >= 0) { collections.add(collectSince, t, i); collectSince = -1; }
        break;
    }
  }
  for (const p of ps) {
    stop(p, end, -1);
    threadTo(p, end, p.state);
    p.runs.seal(); p.thread.seal();
  }
  for (const job of jobs) {
    if (job.g) job.slices.add(job.begin, end, indexOf(job.g), job.open, -1);
    job.slices.seal();
  }
  ps.sort((a, b) => a.number - b.number);
  stops.seal(); collections.seal();
  for (const counter of [alive, globalQueue, ...ps.map(p => p.queue)]) {
    counter.time = Float64Array.from(counter.time);
    counter.value = Int32Array.from(counter.value);
    counter.most = counter.value.reduce((a, b) => Math.max(a, b), 0);
  }
  [gOffsets, gEvents] = group(own, gIds.length);
  gCreated = new Int32Array(gIds.length).fill(-1);
  for (let i = 0; i < ev.count; i++) if (ev.kind[i] === K.Create) gCreated[own[i]] = i;
  ps.forEach((p, i) => p.index = i);
  sliceP = Int16Array.from(sliceP, number => psByNumber.get(number).index);
  sliceI = Int32Array.from(sliceI);
  [gSliceOffsets, gSlices] = group(sliceG, gIds.length);
}

/// The indexes of `keys` by key: where each key's begin, and all of them.
function group(keys, count) {
  const offsets = new Int32Array(count + 1);
  for (const k of keys) if (k >= 0) offsets[k + 1]++;
  for (let k = 0; k < count; k++) offsets[k + 1] += offsets[k];
  const next = offsets.slice(), all = new Int32Array(offsets[count]);
  for (let i = 0; i < keys.length; i++) if (keys[i] >= 0) all[next[keys[i]]++] = i;
  return [offsets, all];
}

/// The events of a goroutine, in order of time.
const eventsOf = g => gEvents.subarray(gOffsets[g], gOffsets[g + 1]);

/// The number, among all slices, of a goroutine's first one that begins at t or later; -1: none.
function sliceFrom(g, t) {
  let lo = gSliceOffsets[g], hi = gSliceOffsets[g + 1];
  const last = hi;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (beginOf(gSlices[mid]) < t) lo = mid + 1; else hi = mid;
  }
  return lo < last ? gSlices[lo] : -1;
}
const beginOf = k => ps[sliceP[k]].runs.begin[sliceI[k]];

/// A goroutine's life: slices of running, being ready, waiting. `first` and `last` are the events at both ends.
function lifeOf(g) {
  const K = KIND, life = new Slices(RUN);
  let state = -1, since = from, first = -1;
  const to = (i, next) => {
    const t = Math.max(from, ev.time[i]);
    if (state >= 0 && t > since) life.add(since, t, state, first, i);
    state = next; since = t; first = i;
  };
  for (const i of eventsOf(g)) {
    switch (ev.kind[i]) {
      case K.Create: case K.Ready: case K.Preempt: case K.Yield: to(i, READY); break;
      case K.Start: to(i, RUN); break;
      case K.Park: to(i, WAIT); break;
      case K.End: to(i, -1); break;
    }
  }
  if (state >= 0) life.add(since, end, state, first, -1);
  return life.seal();
}

build();
const functionOfG = g => gCreated[g] < 0 ? "" : functionOf(ev.n[gCreated[g]]);
const titleOf = g => "g" + gIds[g];
