/*
 * The npm package's main entry. A bundler moves this file to the shop's own server, so the page's origin is taken for
 * Tillbell's unless `base` names another.
 */
import * as browser from "./browser.js";
import { Options } from "./options.js";
import { Outcome } from "./types.js";

export { TillbellError } from "./types.js";
export type * from "./options.js";
export type * from "./types.js";

/** Awaits a payment at `base`, or at the page's own origin; see `browser.ts`. */
export function awaitPayment(urlOrPayment: string | URL, options: Options = {}): Promise<Outcome> {
  return browser.awaitPayment("/", urlOrPayment, options);
}
