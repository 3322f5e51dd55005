import { Options } from "./options.js";
import { Outcome } from "./types.js";
export { TillbellError } from "./types.js";
export type * from "./options.js";
export type * from "./types.js";
/** Awaits a payment at `base`, or at the page's own origin; see `browser.ts`. */
export declare function awaitPayment(urlOrPayment: string | URL, options?: Options): Promise<Outcome>;
