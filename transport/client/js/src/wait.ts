import { Answer, closed, Frame, Leg, Line, newLeg, Platform, TAKEN } from "./platform.js";
import { Listeners, Outcome, Signal, Snapshot, TillbellError } from "./types.js";

const FIRST = 4_000; // ms that a way may take to show that it works
const SILENCE = 60_000; // ms that a connection may be quiet: three heartbeats
const FAREWELL = 1_000; // ms that the end may take to come behind the outcome
const FLOOR = 4_800; // ms between two readings of the state while no way has proven itself: told within 5 s
const SLOW = 30_000; // ms of silence after which it is read when one has: more than a heartbeat
const DOWN = 60_000; // ms between two readings, at most, while the server cannot be reached
const TICK = 1_000; // ms between two looks at the clock, at most
const JUMP = 10_000; // ms by which that shows that the machine has slept
const MAX_PAUSE = 300_000; // ms that the server may ask for

/** Ends a connection: the server told a code of the End table, or a gateway how many ms to stay away, or both. */
class End {
  constructor(readonly code: string, readonly after = 0) {}
}

/** What a wait rejects with, and a reading of the state comes upon: there is nothing to try again. */
type Verdict = End | TillbellError;

/**
 * Waits until the payment has an outcome, or the wait's time is over.
 *
 * The state is read first. Then the ways are tried in turn, each as long as it works; beside them the state is read
 * every few seconds until one has proven itself, because a stream that has begun may still be held up by what lies
 * between, and seldom afterwards. Whatever wakes the page starts the connection over, and reads the state at once.
 */
export async function wait(
  platform: Platform, { signal, onEvent, onStatus }: Listeners & { signal?: Signal },
): Promise<Outcome> {
  const all = newLeg(Infinity); // the whole wait
  let line: Line; // of the connection
  const names = Object.keys(platform.ways);
  const seen = new Set<string>(); // ids of the events that were told, and states
  let snapshot: Snapshot | undefined;
  let told: string;
  let leg = newLeg(Infinity); // the connection, or the pause
  let found: unknown; // the end that a reading of the state has come upon
  let worked = false, woken = false, away = false;
  let way: string; // of the connection; "" through another page
  let trusted: string | undefined; // the way that has proven itself on this network: it brought more than its beginning
  let good = platform.recall(); // the way that worked last
  let at = Math.max(0, names.indexOf(good)), tried = 0, failures = 0;
  let reading: Leg | undefined, floorAt = Infinity, gap = FLOOR;
  let wakeAt = Infinity, wokeAt = 0, ticked = Date.now(), clock: ReturnType<typeof setTimeout>;

  /** Judges an answer by the End table. */
  function judge({ status, body, after }: Answer): any {
    if (status === 200 && body) return body;
    const { code, detail } = body ?? {};
    if (code === "expired" || (status > 428 && (code || after))) throw new End(code, after);
    if (status < 400 || status > 428 || status === 408 || status === 425) throw closed();
    throw new TillbellError(code ?? "refused", status, detail ?? "HTTP " + status);
  }

  /**
   * Whether the reason ends the wait. What is refused at the beginning is a mistake of the page; later it is a proxy that
   * has lost its server for a moment, but for a ticket that has expired meanwhile.
   */
  const fatal = (reason: unknown): reason is Verdict =>
    reason instanceof End ? /^(done|expired)$/.test(reason.code)
      : reason instanceof TillbellError && (!snapshot || reason.code === "unauthorized");

  /** Whether what is heard is enough to know that the way works. */
  const sure = () => worked && way === trusted;

  /** How long something may take. A network that is slow throughout is given more from round to round. */
  const patience = () => FIRST * Math.min(4, 1 + Math.floor(tried / names.length));

  /** Takes a snapshot, unless another node that is behind has told an older one. */
  function take({ type, ...next }: Snapshot & { type?: string }) {
    if (typeof next.position !== "string") throw closed(); // somebody else's JSON
    if (snapshot && behind(next.position, snapshot.position)) return;
    snapshot = next;
    const text = JSON.stringify(Object.entries({ ...next, position: 0 }).sort()); // which alone is nothing to tell
    if (text === told) return;
    seen.add((told = text));
    platform.share?.({ type: "state", ...snapshot });
    call(onStatus, snapshot);
  }

  /** Takes what a connection brings. */
  function frame(frame: Frame): boolean {
    const { type } = frame, known = seen.size;
    if (leg.stopped) return false;
    if (type === "end") throw new End(frame.code, frame.after);
    if (type === "state") take(frame);
    else if (type === "event") {
      const { event, position } = frame;
      if (position) line.cursor = position;
      if (!seen.has(event.id)) {
        seen.add(event.id);
        platform.share?.(frame);
        call(onEvent, event);
        const { status, final, amount, currency } = event.data;
        // What a refund leads to is read: its amount is not the payment's.
        if (snapshot && behind(snapshot.position, position) && !/^refund/.test(status)) {
          take({
            ...snapshot, ...(amount && { amount, currency }), status: status as Snapshot["status"], final, position,
            updated_at: event.time,
          });
        }
      }
    } else if (type === "ping") platform.share?.(frame);
    else return false;
    worked = true;
    leg.expect(snapshot?.final ? FAREWELL : SILENCE);
    if (type !== "state") {
      if (way) platform.remember(way);
      trusted = way;
    }
    if (sure()) floorAt = Date.now() + SLOW;
    return seen.size > known;
  }

  async function read(leg: Leg) {
    take(judge(await platform.get("", leg)));
    if (snapshot!.final) throw new End("done");
  }

  /** Reads the state beside the connection. */
  async function glance() {
    floorAt = Infinity; // until it is known what comes of it
    if (reading) return;
    const began = Date.now();
    reading = newLeg(patience());
    try {
      await read(reading);
      gap = platform.unwatched() ? FLOOR - TICK : FLOOR; // a hidden page's timers are up to a second late
    } catch (reason: any) {
      if (fatal(reason)) {
        found = reason;
        leg.stop();
      }
      gap = Math.max(Math.min(gap * 2, DOWN), Math.min(reason.after || 0, MAX_PAUSE));
    }
    reading.stop();
    reading = undefined;
    floorAt = began + (sure() ? SLOW : gap);
  }

  /** Starts over, at most every few seconds: what was sent while the page slept may be lost. */
  function wake() {
    away = false;
    wakeAt = Math.max(Date.now(), wokeAt + FLOOR);
    tick();
  }

  function tick() {
    const now = Date.now();
    const missed = away || now - ticked > JUMP; // a page whose clock ticks has not left
    if (now < ticked) wokeAt = floorAt = 0; // the clock was set back
    ticked = now;
    if (missed && !platform.unwatched()) wake();
    else if (!away && now >= wakeAt) {
      wokeAt = now;
      wakeAt = Infinity;
      woken = true;
      failures = tried = 0; // of a network that it may have left
      gap = FLOOR;
      leg.stop();
      glance();
    } else if (!away && now >= floorAt) glance();
    clearTimeout(clock);
    clock = setTimeout(tick, away ? TICK : Math.min(TICK, floorAt - now, wakeAt - now));
  }

  async function pause(ms: number) {
    leg = newLeg(ms);
    await new Promise<void>((over) => leg.onStop(over));
  }

  function settle(code: Outcome["code"]): Outcome {
    if (!snapshot) throw new TillbellError(code, 410, code);
    if (code === "done") platform.share?.({ type: "end", code }); // another page's ticket may live longer
    return { ...snapshot, code };
  }

  async function run(): Promise<Outcome> {
    await glance();
    for (;;) {
      while (away && !all.stopped) await pause(Infinity);
      const began = Date.now();
      let after = 0;
      worked = woken = false;
      leg = newLeg(patience());
      const follow = platform.follow?.();
      way = follow ? "" : names[at];
      let reason: any = found;
      if (!found && !all.stopped) {
        line = { leg, cursor: line?.cursor ?? "", take: frame, judge, retry: (ms) => (after = ms) };
        await (follow ?? platform.ways[way])(line).catch((error) => (reason = error));
      }
      const { late } = leg;
      leg.stop();
      reason = found ?? reason;
      if (all.stopped) throw signal!.reason ?? new Error("aborted");
      // An end without the outcome is looked into: something in between may have made it up.
      if (reason.code === "done" && !snapshot?.final) {
        reason = closed();
        await glance();
      }
      if (snapshot?.final) return settle("done");
      if (fatal(reason)) {
        if (reason instanceof End || snapshot) return settle("expired"); // a ticket that is refused later was good
        throw reason;
      }
      if (follow && worked && !away) glance(); // the page that led may have known no better
      if (woken || away || follow) continue;
      const asked = Math.min(reason.after || after, MAX_PAUSE); // of readings as well
      floorAt = Date.now() + Math.max(asked, Math.min(floorAt - Date.now(), gap));
      if (worked || reason instanceof End) {
        if (late) platform.remember((trusted = undefined)); // what fell silent has to prove itself again
        tried = 0;
        if (Date.now() - began >= FIRST) failures = 0;
        good = way;
      } else if (good !== way || late || reason === TAKEN || failures > 2) {
        at = (at + 1) % names.length;
        if (++tried % names.length) continue;
      }
      await pause(asked + jitter(failures++));
    }
  }

  const stop = () => {
    all.stop();
    leg.stop();
    reading?.stop();
  };
  signal?.addEventListener("abort", stop);
  platform.watch(all, wake, () => {
    away = true;
    reading?.stop();
    leg.stop();
  });
  tick();
  try {
    return await run();
  } finally {
    clearTimeout(clock!);
    stop();
    signal?.removeEventListener("abort", stop);
  }
}

/** Returns ms, from 500 to 32,000, half of them by chance: clients that lost one server must not all come back at once. */
const jitter = (failures: number) => 500 * 2 ** Math.min(failures, 5) * (1 + Math.random());

/** Calls a function of the page's. What it throws is an unhandled rejection, and does not end the wait. */
async function call<T>(listener: ((value: T) => void) | undefined, value: T) {
  listener?.(value);
}

/** Whether position p lies before q in the same log: epoch.sequence, and a part more where several lie at one place. */
function behind(p: string, q: string) {
  const [epoch, a, m = 0] = p.split("."), [other, b, n = 0] = q.split(".");
  return !p || (epoch === other && (+a - +b || +m - +n) < 0);
}
