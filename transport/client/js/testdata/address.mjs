// Prints which URL awaitPayment asks first for each of its arguments.
import { awaitPayment } from "../client.js";

const asked = [];
globalThis.fetch = async (url) => {
  asked.push(String(url));
  throw new TypeError("offline");
};
const others = [new URL("https://other.example/v1/payments/o-4")];
for (const payment of [...process.argv.slice(2), ...others]) {
  asked.length = 0;
  const page = new AbortController();
  const wait = awaitPayment(payment, { ticket: "t", base: "https://pay.example/", signal: page.signal }).catch(() => {});
  while (asked.length === 0) await new Promise(setImmediate);
  page.abort();
  await wait;
  console.log(asked[0]);
}
