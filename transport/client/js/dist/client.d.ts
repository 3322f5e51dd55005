import { Options } from "./options.js";
import { Outcome } from "./types.js";
export { TillbellError } from "./types.js";
export type * from "./options.js";
export type * from "./types.js";
/** Awaits a payment at the server that this module comes from; see `browser.ts`. */
export declare function awaitPayment(urlOrPayment: string | URL, options?: Options): Promise<Outcome>;
