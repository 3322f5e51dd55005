// The live view's stream: what the relay does with the callbacks of one payment, as it happens.

/**
 * @typedef {object} Step
 * @property {number} callback Counts up while the server runs.
 * @property {"received"|"verified"|"refused"|"stored"|"duplicate"|"conflict"|"acknowledged"|"told"} step
 * @property {string} at RFC 3339.
 * @property {number} micros Since the callback was received.
 * @property {string} [source]
 * @property {string} [status]
 * @property {string} [detail]
 * @property {string} [transport] Which way a waiter was told.
 */

/**
 * Follows a payment until the signal is aborted. The server tells each step again to who comes back, so that one may be
 * told more than once.
 * @param {string} payment
 * @param {AbortSignal} signal
 * @param {{step: (step: Step) => void, lost: (lost: boolean) => void}} listeners
 */
export function follow(payment, signal, { step, lost }) {
  let source;
  let again;
  const connect = () => {
    source = new EventSource(`/demo/live?payment=${encodeURIComponent(payment)}`);
    source.onopen = () => lost(false);
    source.onmessage = ({ data }) => step(JSON.parse(data));
    source.onerror = () => {
      lost(true);
      // A browser gives a stream up for good when it is answered anything but one.
      if (source.readyState === EventSource.CLOSED) again = setTimeout(connect, 3_000);
    };
  };
  const leave = () => {
    source.onerror = null;
    source.close();
    clearTimeout(again);
  };
  connect();
  signal.addEventListener("abort", leave);
  // The browser closes the stream of a page that goes, and reports that as an error; one that comes back begins again.
  addEventListener("pagehide", leave, { signal });
  addEventListener("pageshow", ({ persisted }) => persisted && connect(), { signal });
}
