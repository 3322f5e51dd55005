// What the page shows. It knows nothing of how the shop and the relay are asked.

import { language, text } from "./text.js";

const $ = (id) => document.getElementById(id);
const stage = document.querySelector(".stage");
const locale = language === "zh" ? "zh-CN" : "en";

/** The source that is chosen, and what can be simulated for it. */
export function chosen() {
  const input = document.querySelector("input[name=source]:checked");
  return { source: input.value, actions: input.dataset.actions.split(" ") };
}

/** Chooses a source. It reports whether there is one of this name. */
export function choose(source) {
  const input = document.querySelector(`input[name=source][value="${CSS.escape(source)}"]`);
  if (input) input.checked = true;
  return Boolean(input);
}

export function onChoose(listener) {
  $("sources").addEventListener("change", listener);
}

export function onAgain(listener) {
  $("again").addEventListener("click", listener);
}

export function onAction(listener) {
  for (const button of document.querySelectorAll("[data-action]")) {
    button.addEventListener("click", () => listener(button.dataset.action));
  }
}

/** Shows an order that waits to be paid. */
export function showOrder(order) {
  const format = new Intl.NumberFormat(locale, { style: "currency", currency: order.currency, currencyDisplay: "narrowSymbol" });
  $("amount").textContent = format.format(order.amount);
  $("payment").textContent = order.payment;
  const { documentElement: svg } = new DOMParser().parseFromString(order.qr, "image/svg+xml");
  $("qr").replaceChildren(document.importNode(svg, true));
  const { actions } = chosen();
  for (const button of document.querySelectorAll("[data-action]")) button.hidden = !actions.includes(button.dataset.action);
}

let shown; // what $("status") says

/** Shows what became of the order; final says that nothing else will. */
export function showStatus(status, { final = false, conflict = false } = {}) {
  $("again").hidden = !final;
  $("left").hidden = final;
  document.querySelector("[data-action=refunded]").disabled = status !== "paid";
  $("hint").textContent = text(conflict ? "hint_conflict" : `hint_${status}`);
  if (status === shown) return; // a screen reader need not say it twice
  shown = status;
  for (const element of [stage, $("status")]) element.dataset.status = status;
  $("status").textContent = text(status);
}

export function showLeft(seconds) {
  const pad = (n) => String(n).padStart(2, "0");
  $("countdown").textContent = `${pad(Math.floor(seconds / 60))}:${pad(seconds % 60)}`;
}

/** Adds a line to the log. */
export function log(kind, name, values = {}) {
  const at = new Date();
  const time = document.createElement("time");
  time.dateTime = at.toISOString();
  time.textContent = new Intl.DateTimeFormat("en-GB", {
    hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3,
  }).format(at);
  const what = document.createElement("span");
  what.textContent = text(name, values);
  const line = document.createElement("li");
  line.dataset.kind = kind;
  line.append(time, what);
  if (values.ms !== undefined) {
    const after = document.createElement("small");
    after.textContent = text("log_after", values);
    line.append(after);
  }
  $("log").append(line);
  $("log").scrollTop = $("log").scrollHeight;
}

export function clearLog() {
  $("log").replaceChildren();
}
