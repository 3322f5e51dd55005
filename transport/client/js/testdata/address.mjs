// Prints which URL awaitPayment asks first for each of its arguments, or the kind of error that it rejects with.
import { awaitPayment } from "../dist/client.js";

const others = [new URL("https://other.example/v1/payments/o-4")];
for (const payment of [...process.argv.slice(2), ...others]) {
  const page = new AbortController();
  const asked = new Promise((tell) => {
    globalThis.fetch = async (url) => {
      tell(String(url));
      throw new TypeError("offline");
    };
  });
  const wait = awaitPayment(payment, { ticket: "t", base: "https://pay.example/", signal: page.signal });
  console.log(await Promise.race([asked, wait.catch((error) => error.name)]));
  page.abort();
  await wait.catch(() => {});
}
