// Runs the client as a mini-program does, in a context that has none of a browser's globals, and does what stdin says,
// line by line of JSON. It prints what the mini-program is told, and what is asked of the phone, as lines of JSON.
// node --experimental-vm-modules phone.mjs CLIENT WS < COMMANDS
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import { newPhone } from "./wx.mjs";

const [client, ws] = process.argv.slice(2);
const { WebSocket } = await import(pathToFileURL(ws).href);
const phone = newPhone(WebSocket);
const say = (line) => console.log(JSON.stringify(line));
let abort;

/** Starts the mini-program afresh and awaits a payment in it. */
async function begin({ payment, options }) {
  const context = vm.createContext({ wx: phone.wx, ...phone.timers });
  const module = new vm.SourceTextModule(readFileSync(client, "utf8"), { context });
  vm.runInContext("delete this.WebAssembly; delete this.globalThis", context);
  await module.link(() => {
    throw new Error("the client imports something");
  });
  await module.evaluate();
  const listeners = new Set();
  const signal = {
    aborted: false,
    addEventListener: (_, listener) => listeners.add(listener),
    removeEventListener: (_, listener) => listeners.delete(listener),
  };
  abort = (reason) => {
    Object.assign(signal, { aborted: true, reason });
    listeners.forEach((listener) => listener());
  };
  module.namespace.awaitPayment(payment, {
    ...options, signal,
    onStatus: ({ status }) => say({ told: "state " + status }),
    onEvent: ({ data }) => say({ told: "event " + data.status }),
  }).then((outcome) => say({ outcome }), (error) => say({ error: String(error), code: error?.code }));
}

const commands = {
  begin,
  abort: ({ reason }) => abort(reason),
  origin: ({ origin }) => phone.sendOrigin(origin),
  /** Is over when the mini-program has ended all that it began. */
  async rest() {
    while (phone.left()) await new Promise((over) => setTimeout(over, 10));
  },
  stored: () => say({ stored: phone.stored() }),
  hide: () => phone.hide(),
  suspend: () => phone.suspend(),
  show: () => phone.show(),
  forget: () => phone.forget(),
  lose: () => phone.lose(),
  regain: () => phone.regain(),
};

const lines = createInterface({ input: process.stdin });
lines.on("close", () => process.exit()); // whatever still waits
for await (const line of lines) {
  const command = JSON.parse(line);
  await commands[command.do](command);
  say({ did: command.do });
}
