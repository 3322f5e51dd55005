/*
 * The module that Tillbell serves at /client.js:
 *
 *   import { awaitPayment } from "https://pay.shop.example/client.js";
 *   const outcome = await awaitPayment("order-1001", { ticket });
 */
import * as browser from "./browser.js";
import { Options } from "./options.js";
import { Outcome } from "./types.js";

export { TillbellError } from "./types.js";
export type * from "./options.js";
export type * from "./types.js";

/** Awaits a payment at the server that this module comes from; see `browser.ts`. */
export function awaitPayment(urlOrPayment: string | URL, options: Options = {}): Promise<Outcome> {
  return browser.awaitPayment(new URL(".", import.meta.url), urlOrPayment, options);
}
