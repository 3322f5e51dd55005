// The checkout as the payer sees it. It knows nothing of how the shop and the relay are asked.

import { money, text } from "./text.js";

/** @typedef {import("./shop.js").Order} Order */

const $ = (id) => document.getElementById(id);
const stage = document.querySelector(".stage");
const wide = matchMedia("(min-width: 48rem)");

/** The source that is chosen, and what its provider can do. */
export function chosen() {
  const { value, dataset } = document.querySelector("input[name=source]:checked");
  const list = (words) => words.split(" ").filter(Boolean);
  return { source: value, actions: list(dataset.actions), faults: list(dataset.faults) };
}

/** Chooses a source. It reports whether there is one of this name. @param {string} source */
export function choose(source) {
  const input = document.querySelector(`input[name=source][value="${CSS.escape(source)}"]`);
  if (!input) return false;
  input.checked = true;
  const more = input.closest("details");
  if (more) {
    more.open = true;
    const [label, list] = [input.closest("label"), more.querySelector("div")];
    list.scrollTop = label.offsetTop - list.offsetTop;
  }
  return true;
}

/**
 * Calls the listeners when the payer does something.
 * @param {{choose: () => void, pay: () => void, refund: () => void, again: () => void}} listeners
 */
export function listen({ choose, pay, refund, again }) {
  $("sources").addEventListener("change", choose);
  $("pay").addEventListener("click", pay);
  $("refund").addEventListener("click", refund);
  $("again").addEventListener("click", again);
}

/** Shows an order that waits to be paid. @param {Order} order */
export function showOrder(order) {
  const amount = money(order.amount, order.currency);
  for (const element of document.querySelectorAll(".amount")) element.textContent = amount;
  $("payment").textContent = order.payment;
  $("pay").textContent = text("pay", { amount });
  const { documentElement: svg } = new DOMParser().parseFromString(order.qr, "image/svg+xml");
  $("qr").replaceChildren(document.importNode(svg, true));
  showTold(null);
}

let shown; // what $("status") says

/**
 * Shows what became of the order.
 * @param {string} status A payment's status, or "expired".
 * @param {{final?: boolean, conflict?: boolean, began?: boolean, refundable?: boolean}} [how] final: nothing but a
 *   refund follows; began: the provider said that the payment is in progress.
 */
export function showStatus(status, { final = false, conflict = false, began = false, refundable = false } = {}) {
  const over = final || status === "expired";
  const focused = document.activeElement;
  $("pay").hidden = over || status === "closed";
  $("again").hidden = !$("pay").hidden;
  $("refund").hidden = status !== "paid" || !refundable;
  $("left").hidden = final || status === "expired" || status === "closed";
  $("scan").hidden = status !== "pending" && status !== "failed";
  // A button that goes takes the focus with it: the outcome is where to go on reading.
  if (focused?.closest(".bar") && focused.hidden) $("status").focus({ preventScroll: true });
  const hint = conflict ? "conflict" : status === "pending" && began ? "progress" : status;
  $("hint").textContent = text(`hint_${hint}`);
  if (status === shown) return; // a screen reader need not say it twice
  shown = status;
  for (const element of [stage, $("status"), $("glance")]) element.dataset.status = status;
  $("status").textContent = text(status);
  document.querySelector("#glance .state").textContent = text(status);
}

/** Shows how long the page's way was, or nothing. @param {string|null} sentence */
export function showTold(sentence) {
  $("told").hidden = !sentence;
  $("told").textContent = sentence ?? "";
}

/**
 * Shows how much time is left.
 * @param {number} seconds
 * @param {number} share Of the whole time, 0 to 1.
 */
export function showLeft(seconds, share) {
  const pad = (n) => String(n).padStart(2, "0");
  $("countdown").textContent = `${pad(Math.floor(seconds / 60))}:${pad(seconds % 60)}`;
  $("sand").style.setProperty("--left", String(share));
}

/** Shows what is wrong with the connection, or nothing. @param {string} sentence */
export function showTrouble(sentence) {
  if ($("trouble").textContent !== sentence) $("trouble").textContent = sentence;
  $("glance").toggleAttribute("data-trouble", sentence !== "");
}

/** Opens the summary where there is room for it. */
function unfold() {
  $("details").open = wide.matches;
}
wide.addEventListener("change", unfold);
unfold();
