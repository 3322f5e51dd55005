import { Line, newLeg, Platform } from "./platform.js";

const HOLD = 25; // s that a poll may wait
const HELD = 1_000; // ms after which an answer is the server's own, and not a cache's
const EMPTY = 5_000; // ms between two polls that bring nothing new: something in between may answer every one at once

/** Polls until the connection is to end. Where no connection may be held, each poll is answered at once. */
export async function poll(line: Line, get: Platform["get"], mayHold = true): Promise<never> {
  const { leg, take, judge } = line;
  for (let hold = 0; ; hold = mayHold ? HOLD : 0) { // the first one shows at once whether polling works
    const asked = Date.now();
    const after = line.cursor && "&after=" + encodeURIComponent(line.cursor);
    const { events, state, position, end } = judge(await get(`/poll?wait=${hold}s${after}`, leg));
    let fresh = false;
    for (const event of events) fresh = take({ type: "event", position: "", event }) || fresh;
    fresh = take({ ...state, type: "state" }) || fresh;
    line.cursor = position;
    if (end) take({ ...end, type: "end" });
    if (Date.now() - asked > HELD) take({ type: "ping" });
    if (hold ? !fresh : !mayHold) {
      const rest = newLeg(asked + EMPTY - Date.now());
      leg.onStop(rest.stop);
      await new Promise<void>((over) => rest.onStop(over));
    }
  }
}
