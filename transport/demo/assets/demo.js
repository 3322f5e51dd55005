// The demo shop's page: it orders, waits for the relay to tell the outcome, and plays the provider.

import { awaitPayment } from "/client.js";
import { text, translate } from "./text.js";
import * as view from "./view.js";

/** Where this tab's order outlives a reload. */
const STORE = "tillbell-demo-order";

let order = null; // what /demo/orders answered
let waiting = new AbortController(); // of this order's wait
let over; // the wait's outcome, once there is one
let postedAt = 0; // when the last callback was posted, by performance.now()

/** Asks the shop. An answer that is no success is an Error with what the shop said. */
async function ask(path, body) {
  const answer = await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const result = await answer.json();
  if (!answer.ok) throw new Error(result.detail ?? result.title);
  return result;
}

const said = (status) => text(`said_${status}`);

/** Orders with the chosen source, and waits. */
async function start() {
  waiting.abort();
  const mine = (waiting = new AbortController());
  order = null;
  view.clearLog();
  try {
    const made = await ask("/demo/orders", { source: view.chosen().source });
    if (mine.signal.aborted) return; // another source was chosen meanwhile
    sessionStorage.setItem(STORE, JSON.stringify(made));
    await follow(made, mine, "log_order");
  } catch (error) {
    if (!mine.signal.aborted) view.log("no", "log_error", { why: error.message });
  }
}

/** Goes on with this tab's order, if there is one that can still be awaited. */
async function resume() {
  const kept = JSON.parse(sessionStorage.getItem(STORE) ?? "null");
  if (!kept || Date.parse(kept.expires_at) < Date.now() || !view.choose(kept.source)) return start();
  try {
    await follow(kept, waiting, "log_resumed");
  } catch (error) {
    if (error.name !== "AbortError") await start(); // the relay was restarted, and has other keys
  }
}

/** Shows an order until the relay tells its outcome. */
async function follow(which, mine, how) {
  order = which;
  over = null;
  view.showOrder(order);
  view.showStatus("pending");
  view.log("order", how, { payment: order.payment });
  tick();
  over = await look(mine.signal);
  if (over.code === "expired") view.log("order", "log_over", { said: text("expired") });
}

/** Awaits the outcome. Once there is one, it only reads what has become of it. */
async function look(signal) {
  let told = "pending"; // by an event or a state
  const outcome = await awaitPayment(order.payment, {
    ticket: order.ticket,
    signal,
    onEvent: ({ data: { status } }) => {
      told = status;
      const ms = postedAt ? Math.max(1, Math.round(performance.now() - postedAt)) : undefined;
      postedAt = 0; // what follows was posted by somebody else
      view.log("told", "log_event", { said: said(status), ms });
    },
    onStatus: (snapshot) => {
      if (signal.aborted) return;
      if (snapshot.status !== told) view.log("told", "log_read", { said: said(snapshot.status) });
      told = snapshot.status;
      view.showStatus(snapshot.status, snapshot);
    },
  });
  view.showStatus(outcome.code === "expired" ? "expired" : outcome.status, { ...outcome, final: true });
  return outcome;
}

/** Lets the provider call back. */
async function act(action) {
  if (!order) return; // it is being made
  const { source, payment } = order;
  const mine = waiting;
  view.log("posted", "log_posted", { said: said(action) });
  postedAt = performance.now();
  try {
    const { status, acknowledged } = await ask("/demo/pay", { payment, source, action });
    if (mine.signal.aborted) return;
    view.log(acknowledged ? "yes" : "no", acknowledged ? "log_yes" : "log_no", { code: status });
    // The wait ended with its outcome, as a shop's page does: what came after it is there to be read.
    if (over && acknowledged) over = await look(mine.signal);
  } catch (error) {
    if (!mine.signal.aborted) view.log("no", "log_error", { why: error.message });
  }
}

/** Counts down to the order's expiry. */
function tick() {
  const left = Math.max(0, Math.ceil((Date.parse(order.expires_at) - Date.now()) / 1000));
  view.showLeft(left);
  // A payment of the last second may still come: the wait goes on until its ticket expires.
  if (!left && !over && document.getElementById("status").dataset.status === "pending") view.showStatus("expired");
}

translate();
view.onChoose(start);
view.onAgain(start);
view.onAction(act);
setInterval(() => order && tick(), 1000);
document.documentElement.dataset.ready = "";
resume();
