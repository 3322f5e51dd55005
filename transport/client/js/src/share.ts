import { closed, Frame, Line } from "./platform.js";

const ASK = "?"; // what a page says to the one that leads, which answers with all it knows
const PULSE = 2_000; // ms between two of them
const PATIENCE = 5_000; // ms without an answer: the leading page may have been put to sleep
const FIRST = 1_500; // ms for the first answer: the leading page may just have begun

/**
 * Lets the pages of an origin that await the same payment share one connection, because a browser makes no more than six
 * to one server: the page that holds the lock leads, and tells the others over a channel. Returns undefined where the
 * browser has neither, as on an insecure origin.
 */
export function share(url: string) {
  const locks = globalThis.navigator?.locks;
  if (!locks || !globalThis.BroadcastChannel) return;
  const name = "tillbell " + url;
  const told = new Map<string, Frame>(); // a handful: the events of one payment, and the last of what else there is
  let leads = false, alone = false;
  let channel: BroadcastChannel | undefined;
  let hear: ((frame: Frame) => void) | undefined;
  let turn: (() => void) | undefined;
  let release: (() => void) | undefined;

  async function follow({ leg, take }: Line): Promise<never> {
    leg.expect(FIRST);
    const ask = () => channel?.postMessage(ASK);
    let pulse: ReturnType<typeof setTimeout>;
    try {
      return await new Promise<never>((_, fail) => {
        hear = (frame) => {
          try {
            take(frame);
            leg.expect(PATIENCE);
            // Browsers slow a hidden page's intervals down to one a minute, but not what a message begins.
            clearTimeout(pulse);
            pulse = setTimeout(ask, PULSE);
          } catch (reason) {
            fail(reason);
          }
        };
        turn = () => leg.stop();
        leg.onStop(() => fail(closed()));
        ask();
      });
    } finally {
      alone ||= leg.late;
      clearTimeout(pulse!);
      hear = turn = undefined;
    }
  }

  return {
    follow: () => (channel && !leads && !alone ? follow : undefined),

    /** Tells the pages that follow. */
    share(frame: Frame) {
      told.set(frame.type === "event" ? frame.event.id : frame.type, frame);
      if (leads) channel?.postMessage(frame);
    },

    /** Takes part. The page leads as soon as no other does. */
    enter() {
      if (channel) return;
      try {
        channel = new BroadcastChannel(name);
      } catch {
        return; // a page that may keep nothing may not talk either
      }
      const mine = channel;
      const queue = new AbortController();
      mine.onmessage = ({ data }) => {
        if (data !== ASK) hear?.(data);
        else if (leads) told.forEach((frame) => mine.postMessage(frame));
      };
      const gone = new Promise<void>((resolve) => {
        release = () => {
          queue.abort();
          resolve();
          mine.close();
          channel = undefined;
          leads = false;
        };
      });
      locks.request(name, { signal: queue.signal }, () => {
        leads = channel === mine;
        turn?.();
        return leads ? gone : undefined;
      }).catch(() => {
        alone ||= !queue.signal.aborted; // it may not even ask; otherwise it left before its turn
        turn?.();
      });
    },

    /** Lets another page lead. */
    leave: () => release?.(),
  };
}
