// Tillbell's browser client: awaits one payment and tells its outcome once.
//
//   import { awaitPayment } from "https://pay.shop.example/client.js";
//   const outcome = await awaitPayment("order-1001", { ticket });
//   if (outcome.status === "paid") …
//
// It reads the state first, then follows a stream of Server-Sent Events, and long polls where no useful frame of the
// stream comes within four seconds. It reads the state again whenever the page wakes up: the payer may come back from
// another app. Licence Apache-2.0.

/**
 * @typedef {object} Snapshot The state of a payment.
 * @property {string} payment
 * @property {"pending"|"failed"|"closed"|"paid"|"refunded"} status
 * @property {boolean} final No later event can change the outcome.
 * @property {boolean} conflict Something contradicts the state.
 * @property {string} [amount] In major units, such as "129.00".
 * @property {string} [refunded]
 * @property {string} [currency]
 * @property {string} [updated_at]
 * @property {string} position
 */
/** @typedef {Snapshot & {code: "done"|"expired"}} Outcome With "expired" the wait's time was over first. */
/**
 * @typedef {object} Options
 * @property {string} [ticket] Without one the cookie tillbell_ticket is sent.
 * @property {AbortSignal} [signal] Ends the wait; the promise rejects with its reason.
 * @property {(event: object) => void} [onEvent] Called with each event (CloudEvents 1.0), once and in order.
 * @property {(snapshot: Snapshot) => void} [onStatus] Called with each snapshot that says something else than the one before.
 * @property {string|URL} [base] The server's URL; without it the one that this module comes from.
 */

const FIRST_FRAME = 4_000; // ms that a stream may take to show that it works
const SILENCE = 60_000; // ms that a connection may be quiet: three heartbeats
const STALE = 25_000; // ms after which a stream is suspect when the page wakes up: more than one heartbeat
const POLL_WAIT = 25; // s
const MAX_PAUSE = 300_000; // ms that the server may ask for
const MAX_LINE = 65_536;

/** What ends the wait for good without an outcome. `code` is "unauthorized" or the server's own. */
export class TillbellError extends Error {
  constructor(/** @type {string} */ code, /** @type {number} */ status, /** @type {string} */ message) {
    super(message);
    this.name = "TillbellError";
    this.code = code;
    this.status = status;
  }
}

/**
 * Waits until the payment has an outcome, or the wait's time is over.
 * Rejects with a TillbellError when the ticket is refused, and with the signal's reason when it is aborted; connections
 * that break are neither.
 * @param {string|URL} urlOrPayment A payment's id, or its URL as the merchant's server got it in `urls`.
 * @param {Options} [options]
 * @returns {Promise<Outcome>}
 */
export async function awaitPayment(urlOrPayment, options = {}) {
  if (options.signal?.aborted) throw aborted(options.signal);
  const wait = new Wait(address(urlOrPayment, options.base), options);
  try {
    return await wait.run();
  } finally {
    wait.close();
  }
}

/**
 * @returns {string} the URL of the payment's state. A text is a payment's id, unless it is a URL of the server itself: an
 * order number that comes from outside must not send the ticket anywhere else. Another server takes a URL object.
 */
function address(urlOrPayment, base = new URL(".", import.meta.url)) {
  const text = String(urlOrPayment);
  const url = URL.canParse(text, base) ? new URL(text, base) : null;
  if (url) url.protocol = url.protocol.replace("ws", "http");
  const ours = urlOrPayment instanceof URL || /^(\/|\w+:\/\/)/.test(text) && url?.origin === new URL(base).origin;
  if (!ours || !url.pathname.includes("/v1/payments/")) {
    return new URL(`v1/payments/${encodeURIComponent(text)}`, base).href;
  }
  return url.origin + url.pathname.replace(/(\/v1\/payments\/[^/]+)\/(sse|ws|poll)$/, "$1");
}

/** Ends a connection: the server told a code of the End table, and perhaps how many milliseconds to stay away. */
class End {
  constructor(code, after = 0) {
    Object.assign(this, { code, after: Math.min(after, MAX_PAUSE), final: code === "done" || code === "expired" });
  }
}

class Wait {
  constructor(url, { ticket, signal, onEvent, onStatus }) {
    Object.assign(this, { url, ticket, signal, onEvent, onStatus });
    this.cursor = "";
    this.seen = new Set(); // ids of the events that were told
    this.snapshot = null;
    this.listening = new AbortController();
    const options = { signal: this.listening.signal };
    const wake = () => this.wake();
    signal?.addEventListener("abort", () => this.stop(), options);
    globalThis.addEventListener?.("online", wake, options);
    globalThis.addEventListener?.("pageshow", wake, options);
    globalThis.document?.addEventListener("visibilitychange", () => document.hidden || wake(), options);
  }

  close() {
    this.listening.abort();
    this.stop();
  }

  /** Ends the connection, or the pause between two. */
  stop() {
    clearTimeout(this.alarm);
    this.leg?.abort();
    this.hurry?.();
  }

  /** Goes from connection to connection until there is nothing to come back for. */
  async run() {
    for (let way = "stream", failures = 0; ; ) {
      const began = Date.now();
      Object.assign(this, { leg: new AbortController(), worked: false, woken: false, found: null, retry: 0 });
      let reason;
      try {
        this.expect(15_000);
        await this.read();
        await this[way]();
      } catch (error) {
        reason = error;
      }
      this.stop();
      reason = this.found ?? reason;
      if (this.signal?.aborted) throw aborted(this.signal);
      if (reason?.final) return await this.outcome(reason.code);
      if (reason?.code === "unauthorized" && this.snapshot) return { ...this.snapshot, code: "expired" };
      if (reason instanceof TillbellError && (way === "poll" || reason.code === "unauthorized")) throw reason;
      if (this.woken) continue;
      if (!this.worked && !(reason instanceof End)) {
        way = way === "stream" ? "poll" : "stream";
        if (way === "poll") continue;
      }
      failures = this.worked && Date.now() - began > 10_000 ? 1 : Math.min(failures + 1, 6);
      const backoff = 500 * 2 ** failures; // at most 32 s
      await this.pause(Math.max(jitter(backoff / 2, 2), jitter(reason?.after || this.retry, 1.2)));
    }
  }

  /** The page has woken up, or the network is back: what was sent meanwhile may be lost. */
  wake() {
    if (this.hurry || Date.now() - this.lastHeard > STALE) {
      this.woken = true;
      this.stop(); // what follows begins with the state
    } else {
      this.read().catch((reason) => {
        if (!reason.final) return; // the connection goes on, and will find the same if it matters
        this.found = reason;
        this.stop();
      });
    }
  }

  /** Reads the state, and throws the End if there is an outcome. */
  async read() {
    const answer = await this.get("");
    this.take(await answer.json());
    if (this.snapshot.final) throw new End("done");
  }

  async stream() {
    this.expect(FIRST_FRAME);
    const headers = { Accept: "text/event-stream" };
    if (this.cursor) headers["Last-Event-ID"] = this.cursor;
    const answer = await this.get("/sse", headers);
    if (answer.status === 204) throw new End("done");
    if (!/^text\/event-stream\b/i.test(answer.headers.get("Content-Type"))) throw new Error("no event stream");
    for await (const frame of frames(answer.body, (ms) => { this.retry = ms; })) {
      const data = JSON.parse(frame.data);
      if (frame.event === "end") throw new End(data.code, this.retry);
      this.heard();
      if (frame.event === "state") this.take(data);
      if (frame.event === "message") this.tell(data, frame.id);
    }
  }

  async poll() {
    for (let hold = 0; ; hold = POLL_WAIT) { // the first one shows at once whether polling works
      const asked = Date.now();
      const after = this.cursor && `&after=${encodeURIComponent(this.cursor)}`;
      const answer = await this.get(`/poll?wait=${hold}s${after}`);
      const { events, state, position, end } = await answer.json();
      this.heard();
      for (const event of events) this.tell(event);
      this.take(state);
      this.cursor = position;
      if (end) throw new End(end.code);
      // Something in between may answer every poll at once.
      if (hold && !events.length) await this.pause(1_000 - (Date.now() - asked));
    }
  }

  /** Asks the server with the ticket, and judges the answer by the End table. */
  async get(path, headers = {}) {
    if (this.ticket) headers.Authorization = `Bearer ${this.ticket}`;
    const credentials = this.ticket ? "omit" : "include";
    const answer = await fetch(this.url + path, { headers, credentials, cache: "no-store", signal: this.leg.signal });
    if (answer.ok) return answer;
    const { status } = answer;
    const { code, detail } = await answer.json().catch(() => ({}));
    if (status === 401) {
      throw new TillbellError("unauthorized", status, "the ticket is refused: it must be for this payment and not expired");
    }
    if (status === 410 && code === "expired") throw new End("expired");
    const after = 1_000 * Number(answer.headers.get("Retry-After"));
    if (status === 429 || (status >= 500 && code)) throw new End(code, after);
    if (status >= 500) throw new Error(`the server answered ${status}`);
    throw new TillbellError(code ?? "refused", status, detail ?? `the server answered ${status}`);
  }

  /** Cuts the connection unless something useful is heard within ms. */
  expect(ms) {
    clearTimeout(this.alarm);
    this.alarm = setTimeout(() => this.leg.abort(), ms);
  }

  heard() {
    this.worked = true;
    this.lastHeard = Date.now();
    this.expect(SILENCE);
  }

  /** Takes a snapshot, unless another node that is behind has told an older one. */
  take(snapshot, exact = true) {
    if (typeof snapshot?.position !== "string") throw new Error("not a payment's state");
    if (this.snapshot && behind(snapshot.position, this.snapshot.position)) return;
    const { status, final, conflict, amount, refunded, currency, updated_at } = snapshot;
    const text = JSON.stringify([status, final, conflict, amount, refunded, currency, updated_at]);
    Object.assign(this, { snapshot, exact });
    if (text !== this.told) call(this.onStatus, snapshot);
    this.told = text;
  }

  /** Takes an event, and brings the snapshot to where it leads. Events of a poll have no position: a state follows. */
  tell(event, position) {
    if (position) this.cursor = position;
    if (this.seen.has(event.id)) return;
    this.seen.add(event.id);
    call(this.onEvent, event);
    if (!position || !behind(this.snapshot.position, position)) return;
    const { status, final, amount, currency } = event.data;
    const money = amount && status !== "refunded" && status !== "refund_failed" ? { amount, currency } : {};
    const told = status === "refund_failed" ? "paid" : status;
    this.take({ ...this.snapshot, ...money, status: told, final, updated_at: event.time, position }, false);
  }

  /** Returns the outcome. It is read once more where what is kept is no more than an event. */
  async outcome(code) {
    for (let tries = 1; ; tries++) {
      const enough = this.snapshot && (this.snapshot.final || code === "expired");
      if (enough && (this.exact || tries > 1)) return { ...this.snapshot, code };
      this.leg = new AbortController();
      this.expect(5_000);
      const reason = await this.read().catch((error) => error);
      this.stop();
      if (this.signal?.aborted) throw aborted(this.signal);
      if (reason instanceof TillbellError && !enough) throw reason;
      if (tries === 5) throw new Error("the outcome cannot be read");
      if (!this.snapshot?.final && !enough) await this.pause(500 * 2 ** tries);
    }
  }

  pause(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.hurry(), ms);
      this.hurry = () => {
        this.hurry = null;
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const aborted = (signal) => signal.reason ?? new DOMException("the wait was aborted", "AbortError");

/** Between ms and so many times ms: clients that lost one server must not all come back at once. */
const jitter = (ms, times) => ms * (1 + Math.random() * (times - 1));

/** An error in the page's own function must not end the wait. */
function call(listener, value) {
  try {
    listener?.(value);
  } catch (error) {
    setTimeout(() => { throw error; });
  }
}

/** Whether position p lies before q in the same log: epoch.sequence, and a part more where several lie at one place. */
function behind(p, q) {
  const [epoch, ...a] = p.split("."), [other, ...b] = q.split(".");
  return p === "" || epoch === other && (a[0] - b[0] || (a[1] ?? 0) - (b[1] ?? 0)) < 0;
}

/** Reads an event stream by the rules of WHATWG HTML, section 9.2.6. */
async function* frames(body, onRetry) {
  const reader = body.getReader(), decoder = new TextDecoder();
  let text = "", event = "", data = [], id = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      // A CR at the end may be half of a CRLF.
      const lines = text.split(/\r\n|\n|\r(?!$)/);
      text = lines.pop();
      if (text.length > MAX_LINE) throw new Error("a line is too long");
      for (const line of lines) {
        const [, field, content] = /^([^:]*):? ?(.*)$/s.exec(line);
        if (field === "event") event = content;
        else if (field === "data") data.push(content);
        else if (field === "id" && !content.includes("\0")) id = content;
        else if (field === "retry" && /^[0-9]+$/.test(content)) onRetry(Math.min(content, MAX_PAUSE));
        if (line) continue;
        if (data.length) yield { event: event || "message", data: data.join("\n"), id };
        event = "";
        data = [];
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
