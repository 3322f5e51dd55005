// What is wrong with the page's connection, of which the worst is shown.

/** From the worst to the mildest. */
const kinds = ["offline", "server", "freeze", "cut", "slow"];
const present = new Set(navigator.onLine ? [] : ["offline"]);

let listener = () => {};

/** Calls the listener whenever the worst may have changed. @param {() => void} changed */
export function onTrouble(changed) {
  listener = changed;
}

/** Returns the worst kind of trouble there is, if any. */
export const worst = () => kinds.find((kind) => present.has(kind));

/** Notes that a kind of trouble has begun or is over. @param {string} kind @param {boolean} there */
export function set(kind, there) {
  if (there) present.add(kind);
  else present.delete(kind);
  listener();
}

addEventListener("offline", () => set("offline", true));
addEventListener("online", () => set("offline", false));
