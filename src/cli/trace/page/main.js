// What the hand does: keys, mouse, search.
const whole = () => { view.t0 = from - (end - from) * 0.01; view.t1 = end + Math.max(1, (end - from) * 0.01); redraw(); };

function zoom(factor, x = (GUTTER + width) / 2) {
  const t = tOf(x), span = Math.max(20, Math.min((view.t1 - view.t0) * factor, (end - from) * 4 + 20));
  const share = (t - view.t0) / (view.t1 - view.t0);
  view.t0 = t - span * share;
  view.t1 = view.t0 + span;
  keepInSight();
}

function pan(share) {
  const by = (view.t1 - view.t0) * share;
  view.t0 += by; view.t1 += by;
  keepInSight();
}

/// The run never leaves the view wholly.
function keepInSight() {
  const span = view.t1 - view.t0, margin = span * 0.9;
  view.t0 = Math.max(from - margin, Math.min(view.t0, end + margin - span));
  view.t1 = view.t0 + span;
  redraw();
}

/// Brings a slice into view, and into the middle if it was not.
function lookAt(row, i, zooms) {
  const slices = slicesOf(row), b = slices.begin[i], e = slices.end[i], length = Math.max(e - b, 1);
  let span = view.t1 - view.t0;
  if (zooms || span > length * 2000 || span < length) span = Math.max(length * 12, 100);
  if (zooms || b < view.t0 || e > view.t1 || span !== view.t1 - view.t0) {
    view.t0 = (b + e - span) / 2;
    view.t1 = view.t0 + span;
  }
  const y = row.y - view.top;
  if (y < 0 || y + row.height > height - AXIS) view.top = row.y - (height - AXIS) / 2;
  keepInSight();
}

function pick(row, i) {
  picked.row = row; picked.i = i;
  if (row.kind === "p" || row.kind === "job") picked.g = slicesOf(row).what[i];
  else if (row.kind === "g") picked.g = row.g;
  else picked.g = -1;
  if (row.kind === "p") showRun(row, i);
  else if (row.kind === "g") showStretch(row, i);
  else if (row.kind === "world") showWorld(i);
  else showOther(row, i);
  if (picked.g >= 0) addRow(picked.g);
  redraw();
}

/// Gives a goroutine a row, the last that was picked first, as long as there are not too many.
function addRow(g) {
  if (rowsOfG.includes(g)) return;
  rowsOfG = [g, ...rowsOfG].slice(0, 12);
  layOut();
  if (picked.row) picked.row = rows.find(r => isSameRow(r, picked.row)) || null;
}

function pickG(g, looks) {
  picked.row = null; picked.i = -1; picked.g = g;
  addRow(g);
  showG(g);
  if (looks) {
    const slices = life(g);
    if (slices.count) {
      const b = slices.begin[0], e = slices.end[slices.count - 1], margin = Math.max(10, (e - b) * 0.05);
      view.t0 = b - margin; view.t1 = e + margin;
    }
    const row = rows.find(r => r.kind === "g" && r.g === g);
    if (row.y < view.top || row.y + row.height > view.top + height - AXIS) view.top = row.y - (height - AXIS) / 2;
    keepInSight();
  }
  redraw();
}

function pickNothing() {
  picked.row = null; picked.i = -1; picked.g = -1;
  overview();
  redraw();
}

/// The next or previous slice of the goroutine that is picked, else of the lane, else the first of all.
function step(by) {
  if (picked.row && picked.row.kind !== "p") {
    const i = picked.i + by;
    if (i >= 0 && i < slicesOf(picked.row).count) { pick(picked.row, i); lookAt(picked.row, i); }
    return;
  }
  if (picked.g < 0) {
    const p = ps.find(p => p.runs.count);
    if (p) { pick(rowOf(p), 0); lookAt(rowOf(p), 0); }
    return;
  }
  const all = gSlices.subarray(gSliceOffsets[picked.g], gSliceOffsets[picked.g + 1]);
  const now = picked.row ? all.indexOf(sliceFrom(picked.g, picked.row.slices.begin[picked.i])) : by > 0 ? -1 : all.length;
  const k = all[now + by];
  if (k === undefined) return;
  const row = rowOf(ps[sliceP[k]]);
  pick(row, sliceI[k]);
  lookAt(picked.row || row, sliceI[k]);
}

// ---- mouse

function under(x, y) {
  if (x < GUTTER || y < AXIS) return null;
  const row = rows.find(r => y >= yOf(r) && y < yOf(r) + r.height);
  if (!row || !["p", "g", "m", "job", "world"].includes(row.kind)) return null;
  const slices = slicesOf(row);
  const i = slices.at(tOf(x), 3 / scale());
  return i < 0 ? null : [row, i];
}

let drag = null;
canvas.addEventListener("pointerdown", e => {
  drag = { x: e.offsetX, y: e.offsetY, t0: view.t0, t1: view.t1, top: view.top, moved: false };
  canvas.setPointerCapture(e.pointerId);
  tip.hidden = true;
});
canvas.addEventListener("pointermove", e => {
  if (!drag) return hover(e);
  const dx = e.offsetX - drag.x, dy = e.offsetY - drag.y;
  drag.moved ||= Math.hypot(dx, dy) > 4;
  if (!drag.moved) return;
  const by = dx / (width - GUTTER) * (drag.t1 - drag.t0);
  view.t0 = drag.t0 - by; view.t1 = drag.t1 - by; view.top = drag.top - dy;
  keepInSight();
});
canvas.addEventListener("pointerup", e => {
  if (drag && !drag.moved) {
    const row = rows.find(r => e.offsetY > AXIS && e.offsetY >= yOf(r) && e.offsetY < yOf(r) + r.height);
    const hit = under(e.offsetX, e.offsetY);
    if (hit) pick(...hit);
    else if (row && row.kind === "g" && e.offsetX < GUTTER) pickG(row.g);
    else pickNothing();
  }
  drag = null;
});
canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
canvas.addEventListener("wheel", e => {
  e.preventDefault();
  if (e.shiftKey) { view.top += e.deltaY || e.deltaX; redraw(); }
  else if (Math.abs(e.deltaX) > Math.abs(e.deltaY)) pan(e.deltaX / width);
  else zoom(Math.exp(Math.max(-200, Math.min(200, e.deltaY)) * 0.002), Math.max(GUTTER, e.offsetX));
}, { passive: false });

const tip = document.getElementById("tip");
function hover(e) {
  const hit = under(e.offsetX, e.offsetY);
  canvas.style.cursor = hit ? "pointer" : "default";
  tip.hidden = !hit;
  if (!hit) return;
  const [row, i] = hit, slices = slicesOf(row), length = duration(slices.end[i] - slices.begin[i]);
  const states = { g: ["runs", "is ready", "waits: " + reasonOf(slices.first[i])], m: ["runs", "looks for the next", "sleeps"] };
  tip.textContent = row.kind === "world" ? `a collection, ${length}`
    : states[row.kind] ? `${row.label} ${states[row.kind][slices.what[i]]}, ${length}`
    : `${titleOf(slices.what[i])} ${functionOfG(slices.what[i])}, ${length}`;
  tip.style.left = Math.min(e.clientX + 12, innerWidth - 350) + "px";
  tip.style.top = e.clientY + 16 + "px";
}

function showWorld(i) {
  show(el("h2", {}, "Garbage collection"), el("p", { id: "what" },
    `took ${duration(collections.end[i] - collections.begin[i])}, from ${moment(collections.begin[i])}. Red marks in its lane show when the world was stopped.`));
}

// ---- keys

const dialog = document.getElementById("keys"), search = document.getElementById("search");
const toggleTheme = () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  readColours();
  redraw();
};
const keys = {
  ArrowLeft: () => pan(-0.1), a: () => pan(-0.1), ArrowRight: () => pan(0.1), d: () => pan(0.1),
  ArrowUp: () => { view.top -= 40; redraw(); }, ArrowDown: () => { view.top += 40; redraw(); },
  PageUp: () => { view.top -= height / 2; redraw(); }, PageDown: () => { view.top += height / 2; redraw(); },
  "+": () => zoom(0.7), "=": () => zoom(0.7), w: () => zoom(0.7), "-": () => zoom(1 / 0.7), s: () => zoom(1 / 0.7),
  0: whole, Home: whole, n: () => step(1), p: () => step(-1), f: () => { if (picked.row) lookAt(picked.row, picked.i, true); },
  t: toggleTheme, "?": () => dialog.showModal(), "/": () => { search.focus(); search.select(); }, Escape: pickNothing,
};
addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey || dialog.open || e.target === search) return;
  const key = keys[e.key.length === 1 ? e.key.toLowerCase() : e.key];
  if (key) { e.preventDefault(); key(); }
});
search.addEventListener("input", () => search.value.trim() ? showFound(search.value.trim(), find(search.value.trim())) : overview());
search.addEventListener("keydown", e => {
  if (e.key === "Escape") { search.value = ""; canvas.focus(); pickNothing(); }
  if (e.key !== "Enter") return;
  const [g] = find(search.value.trim());
  if (search.value.trim() && g !== undefined) { pickG(g, true); canvas.focus(); }
});
for (const [id, f] of [["in", () => zoom(0.7)], ["out", () => zoom(1 / 0.7)], ["fit", whole], ["theme", toggleTheme], ["help", () => dialog.showModal()]]) {
  document.getElementById(id).onclick = f;
}

// ---- begin

const count = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;
document.getElementById("title").textContent = head.files.length ? head.files[0][0] : "";
document.title = (head.files.length ? head.files[0][0] + " – " : "") + "gmpl trace";
document.getElementById("facts").textContent =
  `${duration(end - from)}${head.seeded ? " of virtual time" : ""} · ${count(ps.length, "P")} · ${count(gIds.length, "goroutine")} · ${count(head.events, "event")}`;
document.getElementById("loss").hidden = !head.dropped && !head.lost;
document.getElementById("loss").textContent =
  (head.dropped ? `The last ${count(head.events, "event")} are shown, from ${moment(from)} on; ${count(head.dropped, "earlier one")} were not kept (see --events). ` : "") +
  (head.lost ? `${count(head.lost, "event")} in between were lost: they came faster than they could be kept.` : "");
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readColours(); redraw(); });
new ResizeObserver(redraw).observe(canvas);
readColours();
layOut();
overview();
whole();
draw();
canvas.focus();
