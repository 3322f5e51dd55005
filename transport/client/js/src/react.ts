/*
 * The npm package's entry for React 18 and later:
 *
 *   const { snapshot, outcome, error } = useAwaitPayment(order, { ticket, base: "https://pay.shop.example" });
 */
import { useEffect, useRef, useState } from "react";
import { awaitPayment, Options, Outcome, Snapshot } from "./index.js";

/** What a component knows of a wait. Each is `null` until there is one. */
export interface Waiting {
  /** Where the payment stands. */
  snapshot: Snapshot | null;
  /** How the wait ended. */
  outcome: Outcome | null;
  /** Why it ended without an outcome: a TillbellError when the ticket is refused. */
  error: Error | null;
}

const NOTHING: Waiting = { snapshot: null, outcome: null, error: null };

/**
 * Awaits a payment for as long as the component is mounted, and renders it anew with what it learns. It begins anew, and
 * knows nothing again, when the payment, the ticket or the server becomes another; `onEvent` may be another function in
 * each rendering. `null` waits for nothing, and so does a server that renders the component.
 */
export function useAwaitPayment(
  urlOrPayment: string | URL | null | undefined,
  { ticket, base, onEvent }: Pick<Options, "ticket" | "base" | "onEvent"> = {},
): Waiting {
  // A text and a URL are trusted differently, and a URL is another object in each rendering.
  const wait = JSON.stringify([urlOrPayment, urlOrPayment instanceof URL, ticket, base]);
  const [known, setKnown] = useState({ wait, waiting: NOTHING });
  const listener = useRef(onEvent);

  useEffect(() => {
    listener.current = onEvent;
  });

  useEffect(() => {
    if (urlOrPayment == null) return;
    const control = new AbortController();
    const { signal } = control;
    const learn = (more: Partial<Waiting>) => {
      if (signal.aborted) return; // an answer may come later than that
      setKnown((old) => ({ wait, waiting: { ...old.waiting, ...more } }));
    };
    awaitPayment(urlOrPayment, {
      ticket, base, signal,
      onStatus: (snapshot) => learn({ snapshot }),
      onEvent: (event) => signal.aborted || listener.current?.(event),
    }).then((outcome) => learn({ outcome }), (error) => learn({ error }));
    return () => {
      control.abort();
      setKnown({ wait, waiting: NOTHING }); // which the next wait adds to
    };
  }, [wait]);

  // What is known of another wait is never shown, not even in the rendering before the effects.
  return known.wait === wait ? known.waiting : NOTHING;
}
