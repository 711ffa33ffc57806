// Drawing: what is in view, and no more work than there are pixels. Slices that are narrower than a pixel are not drawn one by one:
// the pixel shows how much of its time is covered.
const canvas = document.getElementById("lanes"), ctx = canvas.getContext("2d");
const GUTTER = 118, AXIS = 26;
const view = { t0: from, t1: Math.max(end, from + 1), top: 0 };
/// What is picked: a slice of a lane, and the goroutine it belongs to; and the goroutines that have rows.
const picked = { row: null, i: -1, g: -1 };
let rowsOfG = gIds.slice(0, 8).map((_, i) => i);
let rows = [], colours = {}, palette = [], dirty = true, width = 0, height = 0;

function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["back", "raised", "line", "text", "soft", "accent", "mark", "wait", "ready", "run", "stop"]) {
    colours[name] = style.getPropertyValue("--" + name).trim();
  }
  const dark = style.colorScheme === "dark";
  palette = Array.from({ length: 48 }, (_, i) => `hsl(${(i * 137.508 + 205) % 360} ${dark ? "42% 46%" : "58% 68%"})`);
}
const colourOf = g => palette[g % palette.length];

const lives = new Map();
function life(g) {
  if (!lives.has(g)) {
    if (lives.size > 64) lives.clear();
    lives.set(g, lifeOf(g));
  }
  return lives.get(g);
}

function layOut() {
  rows = [];
  let y = 0;
  const add = (kind, height, label, rest = {}) => { rows.push({ kind, y, height, label, ...rest }); y += height; };
  add("head", 22, "P: each runs one goroutine at a time; below it, how many wait in its queue");
  for (const p of ps) add("p", 44, "P" + p.number, { p, slices: p.runs });
  add("head", 24, "G: goroutines that are picked — coloured: runs, amber: ready and waiting for its turn, grey: waits for something");
  for (const g of rowsOfG) add("g", 24, titleOf(g), { g });
  add("head", 24, "In all");
  add("counter", 30, "global queue", { counter: globalQueue });
  add("counter", 30, "goroutines", { counter: alive });
  add("world", 22, "collector, timers", { slices: collections });
  add("head", 24, "M: threads");
  for (const p of ps) add("m", 17, "M" + p.number, { p, slices: p.thread });
  jobs.forEach((job, i) => add("job", 17, "blocking " + (i + 1), { job, slices: job.slices }));
  rows.total = y;
}
const slicesOf = row => row.kind === "g" ? life(row.g) : row.slices;

const scale = () => (width - GUTTER) / (view.t1 - view.t0);
const xOf = t => GUTTER + (t - view.t0) * scale();
const tOf = x => view.t0 + (x - GUTTER) / scale();
const yOf = row => AXIS + row.y - view.top;

function redraw() {
  if (!dirty) { dirty = true; requestAnimationFrame(draw); }
}

function draw() {
  dirty = false;
  const ratio = devicePixelRatio || 1;
  width = canvas.clientWidth; height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
  }
  view.top = Math.max(0, Math.min(view.top, rows.total - (height - AXIS)));
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.fillStyle = colours.back;
  ctx.fillRect(0, 0, width, height);
  ctx.textBaseline = "middle";
  drawGrid();
  ctx.save();
  ctx.beginPath(); ctx.rect(0, AXIS, width, height - AXIS); ctx.clip();
  for (const row of rows) {
    const y = yOf(row);
    if (y + row.height > AXIS && y < height) drawRow(row, y);
  }
  drawArrows();
  ctx.restore();
}

/// Time steps of 1, 2 or 5, not nearer than 90 pixels.
function stepOfGrid() {
  const least = 90 / scale(), power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map(n => n * power).find(step => step >= least);
}

function drawGrid() {
  const step = stepOfGrid();
  ctx.font = "11px system-ui, sans-serif";
  ctx.textAlign = "left";
  for (let t = origin + Math.ceil((view.t0 - origin) / step) * step; t < view.t1; t += step) {
    const x = Math.round(xOf(t)) + 0.5;
    ctx.fillStyle = colours.line;
    ctx.fillRect(x, 0, 1, height);
    ctx.fillStyle = colours.soft;
    ctx.fillText(moment(t, step), x + 4, AXIS / 2);
  }
  ctx.fillStyle = colours.line;
  ctx.fillRect(0, AXIS - 1, width, 1);
  const outside = (a, b) => { ctx.fillStyle = colours.line; ctx.globalAlpha = 0.4; ctx.fillRect(a, AXIS, b - a, height); ctx.globalAlpha = 1; };
  if (view.t0 < from) outside(GUTTER, xOf(from));
  if (view.t1 > end) outside(xOf(end), width);
}

function drawRow(row, y) {
  const h = row.height;
  const inside = f => { ctx.save(); ctx.beginPath(); ctx.rect(GUTTER, y, width - GUTTER, h); ctx.clip(); f(); ctx.restore(); };
  if (row.kind === "head") {
    ctx.fillStyle = colours.raised;
    ctx.fillRect(0, y, width, h);
    ctx.fillStyle = colours.line;
    ctx.fillRect(0, y, width, 1); ctx.fillRect(0, y + h - 1, width, 1);
    ctx.font = "600 11.5px system-ui, sans-serif";
    ctx.fillStyle = colours.soft;
    ctx.fillText(row.label, 10, y + h / 2 + 1);
    return;
  }
  ctx.font = "12px system-ui, sans-serif";
  if (row.kind === "p") {
    inside(() => {
      drawQueue(row.p.queue, y + 28, 13, colours.ready);
      drawSlices(row.slices, y + 3, 24, colourOf, g => titleOf(g) + "  " + functionOfG(g), row);
    });
  } else if (row.kind === "g") {
    const names = { [RUN]: colourOf(row.g), [READY]: colours.ready, [WAIT]: colours.wait };
    const slices = life(row.g);
    const label = (state, i) => state === RUN ? "runs" : state === READY ? "ready" : reasonOf(slices.first[i]);
    inside(() => drawSlices(slices, y + 3, h - 6, state => names[state], label, row, state => state === RUN ? 1 : 0.6));
  } else if (row.kind === "m") {
    const names = { [RUNS]: colours.run, [LOOKS]: colours.ready, [SLEEPS]: colours.wait };
    const label = s => s === RUNS ? "runs" : s === LOOKS ? "looks for the next" : "sleeps";
    inside(() => drawSlices(row.slices, y + 2, h - 4, s => names[s], label, row, s => s === SLEEPS ? 0.35 : 0.8));
  } else if (row.kind === "job") {
    inside(() => drawSlices(row.slices, y + 2, h - 4, colourOf, g => "a call of " + titleOf(g), row));
  } else if (row.kind === "counter") {
    inside(() => drawQueue(row.counter, y + 4, h - 8, colours.accent));
  } else if (row.kind === "world") {
    inside(() => {
      drawSlices(collections, y + 4, h - 8, () => colours.run, () => "collection", row);
      drawSlices(stops, y + h / 2, h / 2 - 4, () => colours.stop, () => "", row);
      drawTicks(timers, y + 3, 7, colours.accent);
    });
  }
  ctx.fillStyle = colours.back;
  ctx.fillRect(0, y, GUTTER, h);
  ctx.fillStyle = colours.line;
  ctx.fillRect(0, y + h - 1, row.kind === "p" ? width : GUTTER, 1);
  ctx.fillStyle = row.kind === "g" && row.g === picked.g ? colours.accent : colours.text;
  ctx.font = (row.kind === "p" || row.kind === "g" ? "600 " : "") + "12px system-ui, sans-serif";
  ctx.fillText(row.label, 10, y + (row.kind === "p" ? 15 : h / 2));
  if (row.kind === "p" || row.kind === "counter") {
    const counter = row.counter || row.p.queue;
    ctx.font = "10.5px system-ui, sans-serif";
    ctx.fillStyle = colours.soft;
    ctx.textAlign = "right";
    ctx.fillText("≤ " + counter.most, GUTTER - 8, y + (row.kind === "p" ? 34 : h / 2));
    ctx.textAlign = "left";
  }
}

const reasonOf = i => i >= 0 && ev.kind[i] === KIND.Park ? head.reasons[ev.why[i]] : "";

function drawSlices(slices, y, h, colour, label, row, alpha = () => 1) {
  const lo = above(slices.end, view.t0, 0, slices.count), hi = above(slices.begin, view.t1, 0, slices.count);
  if (hi - lo > 3 * (width - GUTTER)) return drawDense(slices, y, h, row.kind === "g" ? colourOf(row.g) : colours.run);
  let lastPixel = -1;
  for (let i = lo; i < hi; i++) {
    const x0 = Math.max(GUTTER - 2, xOf(slices.begin[i])), x1 = Math.min(width + 2, xOf(slices.end[i])), w = x1 - x0;
    const what = slices.what[i];
    if (w < 1) {
      const pixel = Math.floor(x0);
      if (pixel === lastPixel) continue;
      lastPixel = pixel;
      ctx.globalAlpha = alpha(what);
      ctx.fillStyle = colour(what);
      ctx.fillRect(pixel, y, 1, h);
      continue;
    }
    ctx.globalAlpha = alpha(what) * (picked.g >= 0 && row.kind === "p" && what !== picked.g ? 0.45 : 1);
    ctx.fillStyle = colour(what);
    ctx.fillRect(x0, y, w > 3 ? w - 1 : w, h);
    ctx.globalAlpha = 1;
    if (w > 26) {
      const room = Math.floor((w - 8) / 6.4), text = label(what, i);
      if (room > 2) {
        ctx.fillStyle = colours.text;
        ctx.fillText(text.length > room ? text.slice(0, room - 1) + "…" : text, Math.max(x0, GUTTER) + 4, y + h / 2 + 0.5);
      }
    }
  }
  ctx.globalAlpha = 1;
  if (picked.row && picked.i >= 0 && isSameRow(picked.row, row) && slices === slicesOf(row)) {
    const x0 = xOf(slices.begin[picked.i]), x1 = xOf(slices.end[picked.i]);
    ctx.strokeStyle = colours.text;
    ctx.lineWidth = 2;
    ctx.strokeRect(x0, y, Math.max(2, x1 - x0), h);
  }
}
const isSameRow = (a, b) => a.kind === b.kind && a.p === b.p && a.g === b.g && a.job === b.job;

/// Each pixel as dark as its time is covered.
function drawDense(slices, y, h, colour) {
  const per = 1 / scale();
  ctx.fillStyle = colour;
  let before = slices.covered(view.t0);
  for (let x = GUTTER; x < width; x++) {
    const until = slices.covered(view.t0 + (x - GUTTER + 1) * per), share = (until - before) / per;
    before = until;
    if (share > 0) {
      ctx.globalAlpha = 0.2 + 0.8 * Math.min(1, share);
      ctx.fillRect(x, y, 1, h);
    }
  }
  ctx.globalAlpha = 1;
}

/// A number over time; of the values within a pixel the largest that a few looks find.
function drawQueue(counter, y, h, colour) {
  const { time, value, most } = counter;
  if (!time.length || !most) return;
  ctx.fillStyle = colour;
  const per = 1 / scale();
  let i = above(time, view.t0, 0, time.length) - 1;
  for (let x = GUTTER; x < width; x++) {
    const until = view.t0 + (x - GUTTER + 1) * per;
    if (until < from || until - per > end) continue;
    const next = above(time, until, Math.max(0, i), time.length) - 1;
    let v = i >= 0 ? value[i] : 0;
    const step = Math.max(1, Math.floor((next - i) / 16));
    for (let k = i + 1; k <= next; k += step) v = Math.max(v, value[k]);
    i = next;
    if (v) {
      const tall = Math.max(1, v / most * h);
      ctx.fillRect(x, y + h - tall, 1, tall);
    }
  }
}

function drawTicks(times, y, h, colour) {
  ctx.fillStyle = colour;
  let last = -1;
  for (let i = above(times, view.t0, 0, times.length); i < times.length && times[i] < view.t1;) {
    const x = Math.floor(xOf(times[i]));
    if (x !== last) ctx.fillRect(x, y, 2, h);
    last = x;
    i = above(times, tOf(x + 1), i + 1, times.length);
  }
}

// ---- arrows

const MOST_ARROWS = 160;

function rowOf(p) { return rows.find(r => r.kind === "p" && r.p === p); }

function arrow(x0, y0, x1, y1, strong) {
  ctx.globalAlpha = strong ? 1 : 0.45;
  ctx.strokeStyle = ctx.fillStyle = strong ? colours.accent : colours.soft;
  ctx.lineWidth = strong ? 2 : 1;
  const bend = Math.max(10, Math.abs(x1 - x0) / 2);
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
  ctx.stroke();
  ctx.beginPath();
  ctx.moveTo(x1, y1); ctx.lineTo(x1 - 7, y1 - 4); ctx.lineTo(x1 - 7, y1 + 4);
  ctx.fill();
  ctx.globalAlpha = 1;
}

/// From who readied a goroutine to where it went on: those in view if they are few, and those of the picked slice.
function drawArrows() {
  ctx.save();
  ctx.beginPath(); ctx.rect(GUTTER, AXIS, width - GUTTER, height); ctx.clip();
  const first = firstEvent(readies, view.t0), last = firstEvent(readies, view.t1);
  if (last - first <= MOST_ARROWS) for (let k = first; k < last; k++) drawWake(readies[k], false);
  const s0 = firstEvent(steals, view.t0), s1 = firstEvent(steals, view.t1);
  for (let k = s0; k < Math.min(s1, s0 + 400); k++) drawSteal(steals[k]);
  if (picked.row && picked.row.kind === "p" && picked.i >= 0) {
    const runs = picked.row.slices, wake = wakeBefore(picked.g, runs.begin[picked.i]);
    if (wake >= 0) drawWake(wake, true);
    wakesWithin(picked.row.p, runs, picked.i).slice(0, 50).forEach(i => drawWake(i, true));
  }
  ctx.restore();
}

function firstEvent(list, t) {
  let lo = 0, hi = list.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (ev.time[list[mid]] < t) lo = mid + 1; else hi = mid;
  }
  return lo;
}

function drawWake(i, strong) {
  const k = sliceFrom(indexOf(ev.g[i]), ev.time[i]);
  if (k < 0 || !ev.by[i] || ev.p[i] === NO_P) return;
  const a = rowOf(pOf(ev.p[i])), b = rowOf(ps[sliceP[k]]);
  arrow(xOf(ev.time[i]), yOf(a) + 15, xOf(beginOf(k)), yOf(b) + 15, strong);
}

function drawSteal(i) {
  const thief = rowOf(pOf(ev.p[i])), victim = rowOf(pOf(ev.by[i])), x = xOf(ev.time[i]);
  ctx.strokeStyle = ctx.fillStyle = colours.stop;
  ctx.lineWidth = 1.5;
  ctx.setLineDash([3, 3]);
  ctx.beginPath(); ctx.moveTo(x, yOf(victim) + 34); ctx.lineTo(x, yOf(thief) + 15); ctx.stroke();
  ctx.setLineDash([]);
  ctx.beginPath(); ctx.arc(x, yOf(thief) + 15, 3.5, 0, 7); ctx.fill();
}

/// The event that readied a goroutine, or made it, before it began to run at t; -1: unknown.
function wakeBefore(g, t) {
  const list = eventsOf(g);
  for (let k = firstEvent(list, t) - 1; k >= 0; k--) {
    const kind = ev.kind[list[k]];
    if (kind === KIND.Ready || kind === KIND.Create) return list[k];
    if (kind !== KIND.Steal && kind !== KIND.HandOff) return -1;
  }
  return -1;
}

/// Whom a slice readied.
function wakesWithin(p, runs, i) {
  const found = [], until = runs.last[i] < 0 ? ev.count : runs.last[i];
  for (let k = firstEvent(readies, runs.begin[i]); k < readies.length && readies[k] < until && found.length < 200; k++) {
    const e = readies[k];
    if (ev.p[e] === p.number && ev.by[e] === gIds[runs.what[i]]) found.push(e);
  }
  return found;
}
