// The line between the page and the relay, which the page can break to see what becomes of its wait.

import * as desk from "./desk.js";
import * as shop from "./shop.js";
import { span, text } from "./text.js";
import * as timeline from "./timeline.js";
import * as trouble from "./trouble.js";

/** How long the line stays frozen or slow, in ms, if nobody ends it. */
const LASTS = 30_000;

/** How often the shop is asked whether the page is back, in ms. */
const LOOK = 200;

let lasting = ""; // what is done to the line for a while: freeze, slow or nothing
let timer; // that ends it

/** Forgets what was done to the line of another order. */
export function reset() {
  trouble.set("cut", false);
  last("");
}

/**
 * Does something to the line, and shows what comes of it.
 * @param {shop.Order} order
 * @param {"cut"|"freeze"|"slow"|"thaw"} what
 * @param {() => boolean} gone Whether the page has left this order.
 * @param {() => boolean} over Whether nothing waits for it any more.
 */
export async function disturb(order, what, gone, over) {
  const began = Date.now();
  await shop.disturb(order, what);
  if (gone()) return;
  timeline.note("line", text(`act_${what}`), "", began); // what came of it follows, and may have come already
  desk.answer(text(`answer_${what}`));
  if (what !== "cut") last(what === "thaw" ? "" : what);
  else if (!lasting && !over()) await comeBack(order, over, began);
}

/** Waits until the page has a line again. */
async function comeBack(order, over, began) {
  trouble.set("cut", true);
  for (let lines = 0; !lines && !over() && !lasting; ) {
    await new Promise((resolve) => setTimeout(resolve, LOOK));
    lines = await shop.disturb(order, "look");
  }
  trouble.set("cut", false);
  if (!over() && !lasting) timeline.note("line", text("act_back"), span((Date.now() - began) * 1_000));
}

/** Shows what lasts, for as long as the shop leaves it so. */
function last(what) {
  clearTimeout(timer);
  lasting = what;
  if (what) timer = setTimeout(last, LASTS, "");
  trouble.set("freeze", what === "freeze");
  trouble.set("slow", what === "slow");
  desk.showLine(what);
}
