// The live view: one entry for each callback with its steps and times, and one for each thing the page did or saw. The
// newest is on top.

import { clock, label, span, text } from "./text.js";

/** @typedef {import("./live.js").Step} Step */
/**
 * @typedef {object} Callback What is known of one.
 * @property {HTMLElement} entry
 * @property {HTMLElement} steps
 * @property {number} began When it was received: ms since 1970, with fractions.
 * @property {string} status
 * @property {string} transport Which way a waiter was told, if any was.
 * @property {Set<string>} known Its steps.
 * @property {(way: {micros: number, transport: string}) => void} [tell] Once the page shows it.
 * @property {number} [micros] From the callback to the page.
 */

/** How many entries are shown. */
const LIMIT = 60;

const list = document.getElementById("timeline");
const quiet = document.getElementById("quiet");

/** @type {Map<number, Callback>} */
const callbacks = new Map();

/** @type {{status: string, at: number, tell: Callback["tell"]}|null} What the page shows and no callback is known for yet. */
let unexplained = null;

/** Empties the view for another order. @param {import("./shop.js").Order} order */
export function clear({ source, payment }) {
  callbacks.clear();
  unexplained = null;
  list.replaceChildren();
  quiet.hidden = false;
  const code = quiet.querySelector("code");
  code.textContent = `${code.dataset.command} send ${source} --payment ${payment}`;
}

/**
 * Adds what the page did or saw.
 * @param {"page"|"line"|"told"} kind
 * @param {string} what
 * @param {string} [more]
 * @param {number} [at] By Date.now.
 */
export function note(kind, what, more = "", at = Date.now()) {
  const entry = element("li", "entry", head(what, at, more));
  entry.dataset.kind = kind;
  add(entry, at);
}

/** Adds a step to its callback's entry. @param {Step} what */
export function step(what) {
  const callback = callbacks.get(what.callback) ?? begin(what);
  const key = `${what.step} ${what.at} ${what.transport ?? ""}`;
  if (callback.known.has(key)) return; // the server tells it again to a stream that comes back
  callback.known.add(key).add(what.step);
  callback.status = what.status || callback.status;
  callback.transport = what.transport || callback.transport;
  if (what.step === "refused" || what.step === "conflict") callback.entry.dataset.kind = what.step;
  name(callback, what);
  line(callback, what.step, what.micros, more(what));
  explain();
  if (what.transport) told(callback);
}

/**
 * Notes that the page shows a status, and adds that to the callback it came from.
 * @param {string} status
 * @param {(way: {micros: number, transport: string}) => void} tell Called with the way from the callback to the page,
 *   and again once the transport is known.
 */
export function shown(status, tell) {
  unexplained = { status, at: Date.now(), tell };
  explain();
}

function explain() {
  if (!unexplained) return;
  const { status, at, tell } = unexplained;
  const from = [...callbacks.values()].reverse()
    .find((c) => c.status === status && c.known.has("stored") && !c.known.has("page"));
  if (!from) return;
  unexplained = null;
  from.known.add("page");
  from.micros = Math.max(1, Math.round(at - from.began)) * 1_000; // the clock of a page has no finer ones
  from.tell = tell;
  line(from, "page", from.micros, "");
  if (from.transport) told(from);
  else tell(from);
}

/** Tells the way of a callback that the page shows. Who is told of it later, as by reading the state, is another matter. */
function told(callback) {
  callback.tell?.(callback);
  callback.tell = undefined;
}

function begin({ callback: number, at, micros }) {
  const steps = element("ol", "steps");
  const began = instant(at) - micros / 1_000;
  const entry = element("li", "entry", head(text("callback", { number }), began), steps);
  entry.dataset.kind = "callback";
  const callback = { entry, steps, began, status: "", transport: "", known: new Set() };
  callbacks.set(number, callback);
  add(entry, began);
  quiet.hidden = true;
  return callback;
}

/** Names a callback after what it says, which is known once its signature holds. */
function name({ entry, status }, { source, callback: number }) {
  const what = source ? label(source) : text("callback", { number });
  entry.querySelector("b").textContent = status ? `${what}: ${text(`said_${status}`)}` : what;
}

/** Adds a line to a callback, where its time belongs. */
function line({ steps }, step, micros, more) {
  const item = element("li", "", element("span", "", text(`step_${step}`)));
  if (more) item.append(element("small", "", more));
  item.append(element("span", "after", `+${span(micros)}`));
  item.dataset.step = step;
  item.dataset.micros = String(micros);
  const later = [...steps.children].find((other) => Number(other.dataset.micros) > micros);
  steps.insertBefore(item, later ?? null);
}

/** Says more about a step. The details are the server's, and English. */
function more({ transport, detail = "" }) {
  return transport ? text(`over_${transport}`) : detail;
}

function head(what, at, more = "") {
  const time = element("time", "", clock(new Date(at)));
  time.dateTime = new Date(at).toISOString();
  const line = element("p", "", element("b", "", what), time);
  if (more) line.insertBefore(element("small", "", more), time);
  return line;
}

/** Adds an entry where its time belongs. */
function add(entry, at) {
  entry.dataset.at = String(at);
  list.insertBefore(entry, [...list.children].find((other) => Number(other.dataset.at) <= at) ?? null);
  while (list.children.length > LIMIT) list.lastChild.remove();
}

/** Returns ms since 1970 with the fractions that Date.parse drops. @param {string} rfc3339 */
function instant(rfc3339) {
  const micros = /\.\d{3}(\d{1,3})/.exec(rfc3339)?.[1] ?? "";
  return Date.parse(rfc3339) + Number(micros.padEnd(3, "0")) / 1_000;
}

function element(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}
