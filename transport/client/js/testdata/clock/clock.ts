// A clock that moves when it is told to, for everything that takes its time from the runtime.
let now = 1_000_000_000_000, last = 0;
const timers = new Map<number, { at: number; f: () => void }>();
const soon = (globalThis as any).setImmediate as (f: () => void) => void;

/** Lets promises settle. */
const settle = () => new Promise<void>((done) => soon(() => soon(() => soon(done))));

Object.assign(globalThis, {
  setTimeout: (f: () => void, ms = 0) => (timers.set(++last, { at: now + Math.max(4, ms), f }), last), // as browsers
  clearTimeout: (id: number) => timers.delete(id),
});
Date.now = () => now;
Math.random = () => 0.5;

/** Lets ms pass, timer by timer. */
export async function pass(ms: number) {
  const end = now + ms;
  for (await settle(); ; await settle()) {
    const [next] = [...timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
    if (!next) break;
    timers.delete(next[0]);
    now = Math.max(now, next[1].at);
    next[1].f();
  }
  now = end;
}

/** Stops the runtime for ms, as a machine that sleeps does: timers are late, and nothing else happens. */
export function sleep(ms: number) {
  now += ms;
}

export const time = () => now;
