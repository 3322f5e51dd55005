// Plays what takes a wait minutes, by a clock of its own, and prints what it asked for as a line of JSON for each scene.
import { Answer, Line, Platform } from "../../src/platform.js";
import { Outcome } from "../../src/types.js";
import { wait } from "../../src/wait.js";
import { pass, sleep, time } from "./clock.js";

/** A page, its network and its server. */
class World {
  begun = time();
  asked: string[] = []; // "seconds what"
  paid = false;
  answer?: Answer; // instead of the state
  first = 0; // readings that are answered all the same
  wake = () => {};
  leave = () => {};
  told = -1; // seconds
  outcome = "";
  control = new AbortController();
  open = new Set<Line>();

  constructor(remembered = "", public up = true) {
    const way = (name: string) => async (line: Line): Promise<never> => {
      this.note(name);
      if (!this.up) throw new TypeError("Failed to fetch");
      if (this.answer) line.judge(this.answer);
      line.take({ type: "state", ...this.state() });
      this.open.add(line);
      return new Promise((_, fail) => line.leg.onStop(() => fail(new Error("closed"))));
    };
    const platform: Platform = {
      get: async (_, leg) => {
        this.note("state");
        await null; // what is set right behind the call counts
        if (!this.up) return new Promise((_, fail) => leg.onStop(() => fail(new Error("closed"))));
        if (this.answer && this.first-- <= 0) return this.answer;
        return { status: 200, after: 0, body: this.state() };
      },
      ways: { sse: way("sse"), ws: way("ws"), poll: way("poll") },
      watch: (_, wake, leave) => Object.assign(this, { wake, leave }),
      recall: () => remembered, remember() {}, unwatched: () => false,
    };
    wait(platform, { signal: this.control.signal }).then(
      ({ status }: Outcome) => this.end(status), (reason) => this.end(reason.name));
  }

  state = () => ({ payment: "p", status: this.paid ? "paid" : "pending", final: this.paid, conflict: false,
    position: this.paid ? "e.1" : "e.0" }) as const;

  note(what: string) {
    this.asked.push(`${((time() - this.begun) / 1000).toFixed(1)} ${what}`);
  }

  end(outcome: string) {
    this.told = (time() - this.begun) / 1000;
    this.outcome = outcome;
  }

  beat() {
    for (const line of this.open) if (!line.leg.stopped) line.take({ type: "ping" });
  }

  drop() {
    for (const line of this.open) line.leg.stop();
  }
}

const scenes: Record<string, () => Promise<World>> = {
  async "heartbeats that stay away start the connection over"() {
    const w = new World();
    await pass(20_000);
    w.beat();
    await pass(85_000);
    return w;
  },
  async "a machine that has slept reads and connects at once"() {
    const w = new World();
    await pass(20_000);
    w.beat();
    sleep(600_000);
    await pass(1_000);
    return w;
  },
  async "what failed before it woke up is forgotten"() {
    const w = new World();
    await pass(5_000);
    w.up = false;
    w.drop();
    await pass(120_000);
    w.asked = [];
    w.begun = time();
    w.wake();
    await pass(800);
    [w.up, w.paid] = [true, true];
    await pass(120_000);
    return w;
  },
  async "a gateway that names a time is not asked before"() {
    const w = new World();
    [w.answer, w.first] = [{ status: 429, after: 60_000, body: undefined }, 1];
    await pass(59_000);
    return w;
  },
  async "a first answer that says later is no refusal"() {
    const w = new World();
    w.answer = { status: 425, after: 0, body: undefined };
    await pass(1_000);
    [w.answer, w.paid] = [undefined, true];
    await pass(30_000);
    return w;
  },
  async "what worked elsewhere has to prove itself here"() {
    const w = new World("sse");
    await pass(1_000);
    w.paid = true;
    await pass(30_000);
    return w;
  },
  async "an abort is heard by a page that has just been put away"() {
    const w = new World("", false); // its first reading hangs
    await pass(100);
    w.leave();
    w.control.abort();
    await pass(1_000);
    return w;
  },
};

async function main() {
  for (const [name, play] of Object.entries(scenes)) {
    const { asked, told, outcome } = await play();
    console.log(JSON.stringify({ name, asked, told, outcome }));
  }
  (globalThis as any).process.exit();
}
main();
