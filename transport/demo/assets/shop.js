// What the page asks of the shop, and the order that outlives a reload.

/** Where this tab's order is kept. */
const STORE = "tillbell-demo-order";

/**
 * @typedef {object} Order
 * @property {string} payment
 * @property {string} ticket
 * @property {string} amount In major units.
 * @property {string} currency
 * @property {string} source
 * @property {string} qr An SVG element.
 * @property {string} made_at By the page's clock, RFC 3339.
 * @property {string} expires_at
 */
/** @typedef {{status: number, acknowledged: boolean, note?: string}} Posted What the provider was answered. */

/** Asks the shop. An answer that is no success is an Error with what the shop said. */
async function ask(path, body) {
  const answer = await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const result = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw new Error(result.detail ?? result.title);
  return result;
}

/**
 * Makes an order that this tab goes on with after a reload.
 * @param {string} source
 * @param {string} expires_in How long it can be paid, such as "15m".
 * @returns {Promise<Order>}
 */
export async function makeOrder(source, expires_in) {
  const order = { ...await ask("/demo/orders", { source, expires_in }), made_at: new Date().toISOString() };
  sessionStorage.setItem(STORE, JSON.stringify(order));
  return order;
}

/** Returns this tab's order, if there is one that can still be paid. @returns {Order|null} */
export function keptOrder() {
  const order = JSON.parse(sessionStorage.getItem(STORE) ?? "null");
  return order && Date.parse(order.expires_at) > Date.now() ? order : null;
}

/**
 * Lets the provider call back about the order.
 * @param {Order} order
 * @param {string} action A status that the provider has.
 * @param {string} fault What is wrong with the callback; "" is nothing.
 * @returns {Promise<Posted[]>}
 */
export async function callBack({ payment, source }, action, fault) {
  return (await ask("/demo/pay", { payment, source, action, fault })).posted;
}

/**
 * Does something to the line between the page and the relay.
 * @param {Order} order
 * @param {"cut"|"freeze"|"slow"|"thaw"|"look"} what
 * @returns {Promise<number>} over how many connections the payment is awaited.
 */
export async function disturb({ payment }, what) {
  return (await ask("/demo/line", { payment, do: what })).connections;
}
