// What the page itself asked of the relay, as the browser has measured it: this is how it can say that a stream broke
// off or that the state was read again, though awaitPayment hides both. WebSockets are not measured.

/**
 * @typedef {object} Request
 * @property {"state"|"stream"|"poll"} kind
 * @property {number} status HTTP's, 0 where there was no answer.
 * @property {number} ms How long it took.
 */

/**
 * Tells of each request about the payment that is over, until the signal is aborted.
 * @param {string} payment
 * @param {AbortSignal} signal
 * @param {(request: Request) => void} listener
 */
export function observe(payment, signal, listener) {
  const path = `/v1/payments/${encodeURIComponent(payment)}`;
  const kinds = { "": "state", "/sse": "stream", "/poll": "poll" };
  const observer = new PerformanceObserver((list) => {
    for (const { name, responseStatus, duration } of list.getEntries()) {
      const kind = kinds[new URL(name).pathname.split(path)[1]];
      if (kind) listener({ kind, status: responseStatus, ms: duration });
    }
  });
  observer.observe({ type: "resource" });
  signal.addEventListener("abort", () => observer.disconnect());
}
