import { Listeners, Outcome, Signal } from "./types.js";
export { TillbellError } from "./types.js";
export type { Outcome, PaymentEvent, Signal, Snapshot } from "./types.js";
export interface Options extends Listeners {
    /** The permission to await this payment: a mini-program has no cookies. */
    ticket: string;
    /** The server's URL. It is to be named among the mini-program's domains, for `request` and for `socket`. */
    base: string;
    /** Ends the wait. The promise rejects with its reason, and nothing is left behind. The runtime has no AbortSignal. */
    signal?: Signal;
}
/**
 * Waits until the payment has an outcome, or the wait's time is over: the promise of this resolves once, with the
 * outcome. It rejects with a TillbellError when the ticket is refused, with the signal's reason when it is aborted, and
 * with a TypeError when `base` is no server's URL or the payment's URL another server's; connections that break are none
 * of these. A mini-program in the background is told the outcome when it is shown again.
 */
export declare function awaitPayment(urlOrPayment: string, options: Options): Promise<Outcome>;
