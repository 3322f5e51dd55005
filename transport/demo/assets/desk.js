// The provider's desk: buttons for what a provider says, and for what can go wrong.

/** How long an answer stays, in ms: what came of it stands in the live view. */
const ANSWER = 8_000;

const buttons = (name) => [...document.querySelectorAll(`[data-${name}]`)].map((button) => [button, button.dataset[name]]);

/**
 * Calls the listeners when somebody presses a button.
 * @param {{action: (name: string) => void, fault: (name: string) => void, line: (what: string) => void,
 *   deadline: () => void}} listeners line: with "thaw" when what lasts is to end.
 */
export function listen({ action, fault, line, deadline }) {
  for (const [button, name] of buttons("action")) button.addEventListener("click", () => action(name));
  for (const [button, name] of buttons("fault")) button.addEventListener("click", () => fault(name));
  for (const [button, what] of buttons("line")) {
    button.addEventListener("click", () => line(button.ariaPressed === "true" ? "thaw" : what));
  }
  document.getElementById("deadline").addEventListener("change", deadline);
}

/** How long the next order can be paid, as the shop reads it. */
export const deadline = () => document.querySelector("input[name=deadline]:checked").value;

/**
 * Shows what a provider can do, and nothing else.
 * @param {{actions: string[], faults: string[]}} abilities
 */
export function showAbilities({ actions, faults }) {
  for (const [button, name] of buttons("action")) button.hidden = !actions.includes(name);
  for (const [button, name] of buttons("fault")) button.closest("li").hidden = !faults.includes(name);
}

/** Lets a refund be pressed only once there is something to give back. @param {boolean} paid */
export function allowRefund(paid) {
  document.querySelector("[data-action=refunded]").disabled = !paid;
}

/** Shows what lasts of what is done to the line. @param {"freeze"|"slow"|""} lasting */
export function showLine(lasting) {
  for (const [button, what] of buttons("line")) if (what !== "cut") button.ariaPressed = String(what === lasting);
}

let clearing; // the timer that takes the answer away

/** Says for a while what came of a button, in one sentence. @param {string} sentence @param {boolean} [well] */
export function answer(sentence, well = true) {
  clearTimeout(clearing);
  if (sentence) clearing = setTimeout(answer, ANSWER, "");
  const element = document.getElementById("answer");
  element.textContent = sentence;
  element.dataset.well = String(well);
}
