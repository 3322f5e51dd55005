/** Where a payment stands: the fold of all that its provider has said. */
export interface Snapshot {
  payment: string;
  /** `closed` is cancelled or expired unpaid, `refunded` wholly or partly. */
  status: "pending" | "failed" | "closed" | "paid" | "refunded";
  /** No later event can change the outcome. */
  final: boolean;
  /** Something contradicts the state and was not applied. */
  conflict: boolean;
  /** The payment's amount in major units, such as "129.00". */
  amount?: string;
  /** How much of it went back, in major units. */
  refunded?: string;
  /** A code of ISO 4217. */
  currency?: string;
  /** RFC 3339. */
  updated_at?: string;
  /** The place in the server's log, to compare and to come back with. */
  position: string;
}

/** How a wait ended: the state, and whether the payment is `done` or the wait's time was over first. */
export interface Outcome extends Snapshot {
  code: "done" | "expired";
}

/** One notification about the payment, a CloudEvents 1.0 event. */
export interface PaymentEvent {
  specversion: "1.0";
  id: string;
  source: string;
  type: string;
  subject: string;
  /** RFC 3339. */
  time: string;
  data: {
    payment: string;
    status: Snapshot["status"] | "refund_failed";
    final: boolean;
    /** Of this event: of a refund it is what went back. */
    amount?: string;
    currency?: string;
    provider?: string;
    transaction_id?: string;
    provider_status?: string;
  };
}

/** What a wait tells while it lasts. */
export interface Listeners {
  /**
   * Called with each event, once and in order. A page that comes after the outcome, or wakes up behind it, is told the state
   * alone.
   */
  onEvent?: (event: PaymentEvent) => void;
  /** Called with each state that says something else than the one before. */
  onStatus?: (snapshot: Snapshot) => void;
}

/** What an AbortSignal has, and what stands in for one where the runtime has none. */
export interface Signal {
  readonly aborted: boolean;
  /** What the promise rejects with; an Error is made where there is none. */
  readonly reason?: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/** Ends a wait without an outcome: the ticket is refused (`unauthorized`), or the server can not be Tillbell. */
export class TillbellError extends Error {
  constructor(
    /** `unauthorized`, or the code of the server's problem (RFC 9457). */
    readonly code: string,
    /** Of HTTP. */
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = "TillbellError";
  }
}
