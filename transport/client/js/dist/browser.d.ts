import { Options } from "./options.js";
import { Outcome } from "./types.js";
/**
 * Waits until the payment has an outcome, or the wait's time is over: the promise of this resolves once, with the
 * outcome. It rejects with a TillbellError when the ticket is refused, with the signal's reason when it is aborted, and
 * with a TypeError when the URL is another server's; connections that break are none of these.
 */
export declare function awaitPayment(base: string | URL, urlOrPayment: string | URL, options: Options): Promise<Outcome>;
