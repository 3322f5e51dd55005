import { Options, Outcome, Snapshot } from "./index.js";
/** What a component knows of a wait. Each is `null` until there is one. */
export interface Waiting {
    /** Where the payment stands. */
    snapshot: Snapshot | null;
    /** How the wait ended. */
    outcome: Outcome | null;
    /** Why it ended without an outcome: a TillbellError when the ticket is refused. */
    error: Error | null;
}
/**
 * Awaits a payment for as long as the component is mounted, and renders it anew with what it learns. It begins anew, and
 * knows nothing again, when the payment, the ticket or the server becomes another; `onEvent` may be another function in
 * each rendering. `null` waits for nothing, and so does a server that renders the component.
 */
export declare function useAwaitPayment(urlOrPayment: string | URL | null | undefined, { ticket, base, onEvent }?: Pick<Options, "ticket" | "base" | "onEvent">): Waiting;
