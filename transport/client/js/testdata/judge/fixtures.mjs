// Awaits the payments of many fixtures at once, and prints what each wait came to as a line of JSON.
// node fixtures.mjs CLIENT WS < FIXTURES
// CLIENT is the client's module, WS the npm package ws, for a Node.js without a WebSocket of its own.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [client, ws] = process.argv.slice(2);
if (!globalThis.WebSocket) {
  const { WebSocket } = await import(pathToFileURL(ws).href);
  globalThis.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args);
      this.on("error", () => {}); // which browsers do not throw
    }
  };
}
const { awaitPayment } = await import(pathToFileURL(client).href);

const reads = ({ status, conflict }) => status + (conflict ? " conflict" : "");

async function play({ name, base, payment, ticket }) {
  const states = [], events = [], began = performance.now();
  const result = await awaitPayment(payment, {
    base, ticket,
    onStatus: (snapshot) => states.push(reads(snapshot)),
    onEvent: (event) => events.push(event.data.status),
  }).then((outcome) => ({ outcome }), (error) => ({ error: error.code ?? String(error) }));
  console.log(JSON.stringify({ name, ...result, states, events, ms: performance.now() - began }));
}

await Promise.all(JSON.parse(readFileSync(0, "utf8")).map(play));
process.exit(); // the package ws waits half a minute for the close frame of a server that has gone
