// The demo shop's page: it orders, waits for the relay to tell the outcome, and plays the provider.

import { awaitPayment } from "/client.js";
import * as checkout from "./checkout.js";
import * as desk from "./desk.js";
import * as line from "./line.js";
import { follow } from "./live.js";
import * as shop from "./shop.js";
import { span, text, translate } from "./text.js";
import * as timeline from "./timeline.js";
import { observe } from "./traffic.js";
import * as trouble from "./trouble.js";

/** The relay as the page reaches it: over a line that the page can break. */
const base = new URL("/demo/line/", location.href);

/** @type {shop.Order|null} */
let order = null;
let waiting = new AbortController(); // of this order's wait
let over = null; // the wait's outcome, once there is one
let status = "pending";
let began = false; // the provider said that the payment is in progress
let final = false; // no later callback changes the status

/** Orders with the chosen source, and waits. */
async function start() {
  const mine = renew();
  try {
    const made = await shop.makeOrder(checkout.chosen().source, desk.deadline());
    if (mine.signal.aborted) return; // another source was chosen meanwhile
    await go(made, mine, "act_order");
  } catch (error) {
    complain(error, mine);
  }
}

/** Goes on with this tab's order, if there is one that can still be awaited. */
async function resume() {
  const kept = shop.keptOrder();
  if (!kept || !checkout.choose(kept.source)) return start();
  try {
    await go(kept, renew(), "act_resumed");
  } catch (error) {
    if (error.name !== "AbortError") await start(); // the relay was restarted, and has other keys
  }
}

/** Leaves the order there is. */
function renew() {
  waiting.abort();
  order = over = null;
  waiting = new AbortController();
  return waiting;
}

/** Shows an order until the relay tells its outcome. */
async function go(which, mine, how) {
  order = which;
  began = false;
  line.reset();
  timeline.clear(order);
  checkout.showOrder(order);
  desk.showAbilities(checkout.chosen());
  desk.answer("");
  show("pending");
  tick();
  timeline.note("page", text(how));
  follow(order.payment, mine.signal, { step: see, lost: lose });
  observe(order.payment, mine.signal, measure);
  over = await look(mine.signal);
  if (over.code === "expired") timeline.note("page", text("act_expired"));
}

/** Awaits the outcome. Once there is one, it only reads what has become of it. */
async function look(signal) {
  let told = null; // by an event or a state; nothing yet
  let found = null; // by a state, whose event may follow
  const outcome = await awaitPayment(order.payment, {
    ticket: order.ticket, base, signal,
    onEvent: ({ data: { status: news, final: last } }) => {
      final ||= last; // its state is still to be read, and the stream ends before
      if (news !== found) tell(news);
      told = news;
      found = null;
      began ||= news === "pending";
    },
    onStatus: (snapshot) => {
      if (signal.aborted) return;
      // The first state is where the page comes in; what it says was not told to it.
      if (snapshot.status !== told && (told !== null || over)) tell((found = snapshot.status));
      told = snapshot.status;
      show(snapshot.status, snapshot);
    },
  });
  show(outcome.code === "expired" ? "expired" : outcome.status, { ...outcome, final: true });
  return outcome;
}

/** Shows a status wherever one is shown. */
function show(name, snapshot = {}) {
  status = name;
  final = snapshot.final === true;
  const refundable = checkout.chosen().actions.includes("refunded");
  checkout.showStatus(name, { ...snapshot, began, refundable });
  desk.allowRefund(name === "paid");
  showTrouble();
}

/** Shows what is wrong with the connection, as long as that matters to the payer. */
function showTrouble() {
  const kind = trouble.worst();
  checkout.showTrouble(kind && !final ? text(`trouble_${kind}`) : "");
}

/** Says that a status came to the page, and how long that took. */
function tell(news) {
  timeline.note("told", text("act_told", { said: text(`said_${news}`) }));
  timeline.shown(news, ({ micros, transport }) => {
    const values = { time: span(micros), over: transport && text(`over_${transport}`) };
    checkout.showTold(text(transport ? "told_over" : "told", values));
  });
}

/** Sees a step of a callback, which may be one that somebody else has posted. */
function see(step) {
  timeline.step(step);
  if (over && step.step === "acknowledged" && step.status && step.status !== status) refresh();
}

/** Reads what has become of an order that has its outcome already: its wait is over, as on any shop's page. */
async function refresh() {
  const mine = waiting;
  try {
    over = await look(mine.signal);
  } catch (error) {
    complain(error, mine);
  }
}

/** Lets the provider call back. What the checkout's own buttons come to is seen there. */
async function post(action, fault = "", name = "") {
  if (!order) return; // it is being made
  const mine = waiting;
  desk.answer("");
  try {
    const posted = await shop.callBack(order, action, fault);
    if (mine.signal.aborted) return;
    const codes = posted.map((answer) => answer.status).join(", ");
    const well = posted.filter((answer) => answer.acknowledged).length;
    const how = well === posted.length ? "yes" : well ? "mixed" : "no";
    if (!name && how === "yes") return;
    desk.answer(text(`answer_${how}`, { what: text(`do_${name || action}`), codes }), how === "yes");
  } catch (error) {
    complain(error, mine);
  }
}

/** Does something to the line. */
async function disturb(what) {
  if (!order) return;
  const mine = waiting;
  try {
    await line.disturb(order, what, () => mine.signal.aborted, () => mine.signal.aborted || final);
  } catch (error) {
    complain(error, mine);
  }
}

/** Learns what the page's requests came to. @param {import("./traffic.js").Request} request */
function measure({ kind, status: code, ms }) {
  if (final) return; // the stream has ended because the wait has
  if (kind === "stream" && code < 300) timeline.note("line", text("act_ended"), span(ms * 1_000));
  else if (code >= 300) timeline.note("line", text("act_refused", { status: code }));
  else if (code && kind === "state") timeline.note("line", text("act_read"), span(ms * 1_000));
}

/** Learns that the live view has lost the server, or has it again. */
function lose(lost) {
  trouble.set("server", lost);
  document.getElementById("lost").textContent = lost ? text("live_lost") : "";
}

/** Says that the shop has refused something, unless another order has begun meanwhile. */
function complain(error, mine) {
  if (!mine.signal.aborted) desk.answer(text("wrong", { why: error.message }), false);
}

/** Counts down to the order's expiry. */
function tick() {
  if (!order) return;
  const [from, to] = [order.made_at, order.expires_at].map(Date.parse);
  const left = Math.max(0, to - Date.now());
  checkout.showLeft(Math.ceil(left / 1_000), Math.min(1, left / (to - from)));
  // A payment of the last second may still come: the wait goes on until its ticket expires.
  if (!left && !over && (status === "pending" || status === "failed")) show("expired");
}

translate();
checkout.listen({
  choose: start, again: start, pay: () => post("paid"), refund: () => post("refunded"),
});
desk.listen({
  action: (name) => post(name, "", name), fault: (name) => post("paid", name, name), line: disturb, deadline: start,
});
trouble.onTrouble(showTrouble);
setInterval(tick, 1_000);
document.documentElement.dataset.ready = "";
resume();
