// The recording: columns of numbers, one entry for each event. `head` says what the numbers mean.
const head = JSON.parse(document.getElementById("head").textContent);
const KIND = Object.fromEntries(head.table.map((t, i) => [t.name, i]));
const NO_P = -1;

/// Reads the stream of events (see page.rs) into columns.
function decode(text) {
  // The second for browsers that lack the first: slower.
  const bytes = Uint8Array.fromBase64 ? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const count = head.remembered + head.events;
  const ev = {
    count, time: new Float64Array(count), kind: new Uint8Array(count), p: new Int16Array(count),
    g: new Float64Array(count), by: new Float64Array(count), at: new Int32Array(count), n: new Int32Array(count),
    why: new Uint8Array(count),
  };
  const fields = head.table.map(t => t.fields.map(([name, meaning]) => [ev[name], meaning === "G"]));
  let at = 0, time = 0, g = 0;
  const number = () => {
    let n = 0, unit = 1, b;
    do { b = bytes[at++]; n += (b & 127) * unit; unit *= 128; } while (b & 128);
    return n;
  };
  for (let i = 0; i < count; i++) {
    const kind = ev.kind[i] = bytes[at++];
    ev.p[i] = number() - 1;
    ev.time[i] = time += number();
    for (const [column, isG] of fields[kind]) {
      let n = number();
      if (isG) { g += n % 2 ? -(n + 1) / 2 : n / 2; n = g; }
      column[i] = n;
    }
  }
  return ev;
}

const ev = decode(document.getElementById("data").textContent);
document.getElementById("data").textContent = "";

const place = n => head.places[n - 1];
const placeText = n => n ? place(n)[2] : "a place outside the program";
const functionOf = n => n ? place(n)[3] : "";
const gName = g => g ? "g" + g : "the runtime";

/// A field of an event in words.
function word(i, name, meaning) {
  const value = ev[name][i];
  switch (meaning) {
    case "G": return gName(value);
    case "P": return "P" + value;
    case "Place": return name === "n" ? functionOf(value) || placeText(value) : placeText(value);
    case "Reason": return head.reasons[value];
    case "Cause": return fill(i, head.causes[value]);
    case "Phase": return head.phases[value];
    default: return String(value);
  }
}

/// Puts the fields of an event where the text names them.
function fill(i, text) {
  const fields = head.table[ev.kind[i]].fields;
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const field = fields.find(f => f[0] === name);
    return field ? word(i, ...field) : ev.p[i] === NO_P ? "no P" : "P" + ev.p[i];
  });
}

const sentence = i => fill(i, head.table[ev.kind[i]].sentence);

/// A length of time, in the unit that suits it.
function duration(ns) {
  for (const [unit, name] of [[1e9, "s"], [1e6, "ms"], [1e3, "µs"]]) {
    if (ns >= unit) return (ns / unit).toPrecision(ns >= unit * 1000 ? 6 : 3).replace(/e\+\d+$/, "") + " " + name;
  }
  return Math.round(ns) + " ns";
}

const origin = head.dropped ? 0 : ev.count ? ev.time[0] : 0;
/// A moment of the run, to be told apart at the present zoom.
const moment = (ns, step = 0) => {
  const us = (ns - origin) / 1e3;
  return us >= 1e3 || us <= -1e3
    ? (us / 1e3).toFixed(step && step >= 1e5 ? (step >= 1e6 ? 0 : 1) : 3) + " ms"
    : us.toFixed(step >= 1e3 ? 0 : 3) + " µs";
};
