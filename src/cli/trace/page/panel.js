// The panel: what is picked, in sentences. Texts are put in as text, never as markup.
const panel = document.getElementById("panel");

/// An element with attributes and children; strings become text.
function el(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) e[key] = value;
    else if (key === "style") e.style.cssText = value;
    else e.setAttribute(key, value);
  }
  e.append(...children.flat(2).filter(c => c !== null));
  return e;
}
const link = (text, onclick) => el("a", { role: "button", tabindex: 0, onclick, onkeydown: e => { if (e.key === "Enter") onclick(); } }, text);
const linkG = g => link(titleOf(g), () => pickG(g, true));
const swatch = g => el("span", { class: "swatch", style: "background:" + colourOf(g) });
const per = (n, all) => (all ? n / all * 100 : 0).toFixed(0) + " %";

/// A sentence with links for the goroutines in it.
function linked(text) {
  return text.split(/\b(g\d+)\b/).map((part, i) => {
    const g = i % 2 ? gIndex.get(Number(part.slice(1))) : undefined;
    return g === undefined ? part : linkG(g);
  });
}

/// Lines of the program around a place.
function source(n, around = 3) {
  if (!n) return null;
  const [file, line, text, name] = place(n);
  if (file === null) return el("p", { class: "soft" }, name + ", in a standard package (" + text + ")");
  const lines = head.files[file][1].split("\n"), first = Math.max(1, line - around);
  return el("div", {},
    el("p", { class: "soft" }, text + " · " + name),
    el("pre", {}, lines.slice(first - 1, line + around).map((s, k) =>
      el("div", first + k === line ? { class: "at" } : {}, el("i", {}, String(first + k).padStart(4) + "  "), s || " "))));
}
const lineText = n => {
  if (!n || place(n)[0] === null) return "";
  return (head.files[place(n)[0]][1].split("\n")[place(n)[1] - 1] || "").trim();
};

function show(...children) {
  panel.replaceChildren(...children.flat(2).filter(c => c !== null));
  panel.scrollTop = 0;
}

function overview() {
  const whole = end - from;
  const busy = ps.map(p => [p, p.runs.sum[p.runs.count]]);
  const busiest = longestRuns();
  show(
    el("h2", {}, "What you see"),
    el("dl", {},
      el("dt", {}, el("b", { class: "key" }, "G")), el("dd", {}, "a goroutine: a coloured slice where it runs"),
      el("dt", {}, el("b", { class: "key p" }, "P")), el("dd", {}, "a processor of the scheduler: runs one G at a time, the others wait in its queue"),
      el("dt", {}, el("b", { class: "key m" }, "M")), el("dd", {}, "a thread of the system: each P has one")),
    el("p", { class: "soft" }, "Arrows lead from who wakes a goroutine to where it goes on. Click a slice, or find a goroutine."),
    el("h3", {}, "Processors"),
    el("table", {}, el("tr", {}, ["", "busy", "", "slices"].map((t, i) => el("th", i % 2 ? { class: "n" } : {}, t))),
      busy.slice(0, 32).map(([p, t]) => el("tr", {}, el("td", {}, "P" + p.number), el("td", { class: "n" }, per(t, whole)),
        el("td", { style: "width:45%" }, el("span", { class: "bar", style: `width:${t / whole * 100}%` })), el("td", { class: "n" }, String(p.runs.count))))),
    el("p", {}, [[readies.length, "wake-up"], [steals.length, "steal"], [collections.count, "collection"], [timers.length, "timer"]].map(c => count(...c)).join(", ")),
    busiest.length ? el("h3", {}, "Goroutines that ran longest") : null,
    busiest.length ? el("table", {}, busiest.map(([g, ran]) => el("tr", {}, el("td", {}, swatch(g), " ", linkG(g)), el("td", {}, functionOfG(g)),
      el("td", { class: "n" }, duration(ran))))) : null,
  );
}

/// The ten goroutines that ran longest.
function longestRuns() {
  const ran = new Float64Array(gIds.length), count = new Int32Array(gIds.length);
  for (const { runs } of ps) for (let i = 0; i < runs.count; i++) { ran[runs.what[i]] += runs.end[i] - runs.begin[i]; count[runs.what[i]]++; }
  return Array.from(ran.keys()).sort((a, b) => ran[b] - ran[a]).slice(0, 10).filter(g => count[g]).map(g => [g, ran[g]]);
}

function titleLine(g) {
  return el("h2", {}, swatch(g), titleOf(g), el("span", { class: "soft", style: "font-weight:400" }, functionOfG(g)));
}

function createdBy(g) {
  const i = gCreated[g];
  if (i < 0) return "It began before what is kept of the recording.";
  const by = gIndex.get(ev.by[i]);
  if (by === undefined) return ev.by[i] ? `Made by g${ev.by[i]}.` : "Made by the runtime" + (gIds[g] === 1 ? ": it runs the program." : ".");
  return ["Made by ", linkG(by), ` at ${placeText(ev.at[i])}, ${moment(ev.time[i])}.`];
}

/// Why a goroutine was ready to run, in a sentence.
function whyReady(i) {
  switch (ev.kind[i]) {
    case KIND.Create: return linked(`it was new, made by ${gName(ev.by[i])} at ${placeText(ev.at[i])}`);
    case KIND.Ready: return linked(fill(i, head.causes[ev.why[i]]));
    case KIND.Preempt: return "it had made way for others, its time slice being over";
    case KIND.Yield: return "it had made way of its own accord";
    default: return "it was ready";
  }
}

/// A slice of a P.
function showRun(row, i) {
  const runs = row.slices, g = runs.what[i], begin = runs.begin[i], stop = runs.last[i];
  const wake = wakeBefore(g, begin);
  const mine = sliceFrom(g, begin), number = mine < 0 ? 0 : gSlices.subarray(gSliceOffsets[g], gSliceOffsets[g + 1]).indexOf(mine) + 1;
  const woke = wakesWithin(row.p, runs, i);
  show(
    titleLine(g),
    el("p", { id: "what" }, `ran on P${row.p.number} for ${duration(runs.end[i] - begin)}, from ${moment(begin)}; slice ${number} of ${gSliceOffsets[g + 1] - gSliceOffsets[g]}.`),
    wake >= 0 ? el("p", {}, "It could run because ", whyReady(wake), `; it then waited ${duration(begin - ev.time[wake])} for its turn.`) : null,
    el("h3", {}, "Why it stopped"),
    el("p", {}, stop < 0 ? "It ran until the end." : linked(sentence(stop) + ".")),
    stop < 0 ? null : source(ev.at[stop]),
    woke.length ? el("h3", {}, "Whom it woke or started") : null,
    woke.length ? el("ul", {}, woke.slice(0, 12).map(e => el("li", {}, linked(`g${ev.g[e]}`), ` at ${placeText(ev.at[e])}`)),
      woke.length > 12 ? el("li", {}, `and ${woke.length - 12} more`) : null) : null,
    el("p", {}, link("All of " + titleOf(g), () => pickG(g, true))),
  );
}

/// A stretch of a goroutine's life.
function showStretch(row, i) {
  const slices = slicesOf(row), g = row.g, first = slices.first[i], last = slices.last[i];
  const length = duration(slices.end[i] - slices.begin[i]);
  if (slices.what[i] === RUN) {
    const p = first < 0 ? undefined : psByNumber.get(ev.p[first]);
    if (p) return showRun(rowOf(p), p.runs.at(slices.begin[i] + 0.5, Infinity));
  }
  const waits = slices.what[i] === WAIT;
  show(
    titleLine(g),
    waits
      ? el("p", { id: "what" }, `waited ${length}, from ${moment(slices.begin[i])}: ${first < 0 ? "since before the recording" : head.reasons[ev.why[first]]}.`)
      : el("p", { id: "what" }, `was ready to run and waited ${length} for its turn, from ${moment(slices.begin[i])}.`),
    el("h3", {}, waits ? "What ended it" : "Why it was ready"),
    el("p", {}, waits ? (last < 0 ? "Nothing: it waited until the end of the run." : whyReady(last)) : first < 0 ? "That was before the recording." : whyReady(first)),
    waits && first >= 0 ? [el("h3", {}, "Where it waited"), source(ev.at[first])] : null,
    waits && last >= 0 && ev.at[last] ? [el("h3", {}, "Where it was woken"), source(ev.at[last], 1)] : null,
    el("p", {}, link("All of " + titleOf(g), () => pickG(g, true))),
  );
}

/// A goroutine as a whole: what it did, and why it waited.
function showG(g) {
  const slices = life(g), sums = [0, 0, 0], counts = [0, 0, 0], groups = new Map();
  for (let i = 0; i < slices.count; i++) {
    const length = slices.end[i] - slices.begin[i], what = slices.what[i];
    sums[what] += length; counts[what]++;
    if (what !== WAIT) continue;
    const first = slices.first[i], last = slices.last[i];
    const key = first < 0 ? "" : ev.why[first] + ":" + ev.at[first];
    let group = groups.get(key);
    if (!group) groups.set(key, group = { first, length: 0, count: 0, open: false, by: new Map() });
    group.length += length; group.count++;
    if (last < 0) group.open = true;
    else {
      const by = ev.by[last] ? "g" + ev.by[last] : fill(last, head.causes[ev.why[last]]);
      group.by.set(by, (group.by.get(by) || 0) + 1);
    }
  }
  const all = sums[0] + sums[1] + sums[2];
  const list = [...groups.values()].sort((a, b) => b.length - a.length);
  const times = n => n === 1 ? "once" : n === 2 ? "twice" : n + " times";
  const ended = ev.kind[eventsOf(g)[eventsOf(g).length - 1]] === KIND.End;
  show(
    titleLine(g),
    el("p", {}, createdBy(g), ended ? " It has ended." : " It had not ended when the run did."),
    el("table", { id: "sums" },
      [["ran", RUN, colourOf(g)], ["was ready, waiting for its turn", READY, "var(--ready)"], ["waited for something", WAIT, "var(--wait)"]].map(([text, k, colour]) =>
        el("tr", {}, el("td", {}, el("span", { class: "swatch", style: "background:" + colour }), " ", text), el("td", { class: "n" }, times(counts[k])),
          el("td", { class: "n" }, duration(sums[k])), el("td", { class: "n" }, per(sums[k], all))))),
    el("h3", {}, `Why did ${titleOf(g)} wait?`),
    list.length ? null : el("p", {}, "It never waited for anything but its turn."),
    list.slice(0, 12).map(group => el("div", { class: "wait" },
      el("p", {}, el("b", {}, group.first < 0 ? "since before the recording" : head.reasons[ev.why[group.first]]),
        `: ${times(group.count)}, ${duration(group.length)} in all`, group.first < 0 ? "" : `, at ${placeText(ev.at[group.first])}`),
      lineText(group.first < 0 ? 0 : ev.at[group.first]) ? el("pre", {}, el("div", {}, lineText(ev.at[group.first]))) : null,
      group.by.size ? el("p", {}, "ended by ", [...group.by].sort((a, b) => b[1] - a[1]).slice(0, 6).flatMap(([by, n], k) =>
        [k ? ", " : "", linked(by), n > 1 ? ` (${n})` : ""])) : null,
      group.open ? el("p", {}, "and it waits there still when the run ends.") : null)),
    gCreated[g] >= 0 && ev.at[gCreated[g]] ? [el("h3", {}, "Where it was made"), source(ev.at[gCreated[g]], 2)] : null,
  );
}

function showOther(row, i) {
  const slices = slicesOf(row), length = duration(slices.end[i] - slices.begin[i]), since = moment(slices.begin[i]);
  if (row.kind === "m") {
    const texts = { [RUNS]: "ran goroutines", [LOOKS]: "was between goroutines, or looked for one to run", [SLEEPS]: "slept: there was nothing to run" };
    show(el("h2", {}, "M" + row.p.number), el("p", { id: "what" }, `The thread of P${row.p.number} ${texts[slices.what[i]]} for ${length}, from ${since}.`));
  } else {
    const g = slices.what[i];
    show(titleLine(g), el("p", { id: "what" }, `What it called would block, so it ran on a thread without a P for ${length}, from ${since}. `,
      "Meanwhile the P ran other goroutines."), el("p", {}, link("All of " + titleOf(g), () => pickG(g, true))));
  }
}

/// The goroutines that a text names: by number, or by a part of their function's name.
function find(text) {
  const number = /^g?(\d+)$/i.exec(text);
  if (number && gIndex.has(Number(number[1]))) return [gIndex.get(Number(number[1]))];
  const part = text.toLowerCase(), found = [];
  for (let g = 0; g < gIds.length && found.length < 500; g++) if (functionOfG(g).toLowerCase().includes(part)) found.push(g);
  return found;
}

function showFound(text, found) {
  show(
    el("h2", {}, found.length ? `${found.length === 500 ? "500 or more" : found.length} found` : "Nothing found"),
    found.length ? null : el("p", {}, `No goroutine has the number or a function named “${text}”.`),
    el("table", { id: "found" }, found.slice(0, 100).map(g => el("tr", {}, el("td", {}, swatch(g), " ", linkG(g)), el("td", {}, functionOfG(g))))),
  );
}
