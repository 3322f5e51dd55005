// A shop's backend for Node.js 18 or later, without packages: it creates orders, registers them at Tillbell, hands the
// page a ticket, and fulfils what the feed says is paid.
//
// The API key stays here. The page gets a ticket, which opens one payment's wait and nothing else, and its word that an
// order is paid counts for nothing.
import {createServer} from 'node:http'
import {readFile} from 'node:fs/promises'
import {randomUUID} from 'node:crypto'
import {setTimeout as pause} from 'node:timers/promises'

const {
  TILLBELL_URL = 'http://127.0.0.1:8080',
  TILLBELL_API_KEY = 'an-example-api-key-that-everybody-knows',
  LISTEN = '127.0.0.1:3000',
  PAGE = '../html',
} = process.env

// The orders by number. A real shop keeps them, and how far it has read the feed, in its database.
const orders = new Map()

async function tillbell(path, options = {}) {
  const response = await fetch(TILLBELL_URL + path, {
    ...options,
    headers: {Authorization: `Bearer ${TILLBELL_API_KEY}`},
    signal: AbortSignal.timeout(35_000), // more than the feed waits: a connection may die without a word
  })
  if (!response.ok) throw new Error(`tillbell: ${options.method ?? 'GET'} ${path.split('?')[0]}: ${response.status}`)
  return response.json()
}

/** Says what is owed for the order and returns a ticket to wait for it. It may be called again. */
async function register(order) {
  const {ticket} = await tillbell('/v1/payments/' + encodeURIComponent(order.order), {
    method: 'PUT',
    // Only this account can complete the order, and only with this amount.
    body: JSON.stringify({source: 'stripe', amount: order.amount, currency: order.currency, expires_in: '15m'}),
  })
  return ticket
}

/**
 * Reads the feed for ever and fulfils what is paid. Without a position it begins with the oldest event that is kept, so
 * a shop that starts again misses nothing: it sees some events twice.
 */
async function follow() {
  for (let position = ''; ;) {
    try {
      const page = await tillbell('/v1/events?' + new URLSearchParams({after: position, wait: '25s'}))
      for (const {applied, event} of page.events) {
        // What was not applied contradicts the order: another amount, another account, a second outcome.
        if (applied && event.type === 'payment.paid') fulfil(event.subject, event.data)
      }
      position = page.position
    } catch (error) {
      console.error(error.message)
      await pause(1000)
    }
  }
}

/** Does once what the payer paid for, however often the feed says so. In a database this and the position are one transaction. */
function fulfil(number, {amount, currency}) {
  const order = orders.get(number)
  if (!order || order.fulfilled || amount !== order.amount || currency !== order.currency) return
  order.fulfilled = true
  console.log(`${number} is paid and leaves the house`)
}

const types = {html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8'}

/** Answers one request with [status, body], where a body that is no Buffer is sent as JSON. */
async function answer(method, path) {
  if (method === 'POST' && path === '/orders') {
    // Whoever knows the number of an order here may see it, so it cannot be guessed; a real shop asks its session who may.
    const order = {order: 'order-' + randomUUID(), amount: '129.00', currency: 'USD', fulfilled: false}
    await register(order)
    orders.set(order.order, order)
    return [201, order]
  }
  const order = method === 'GET' && orders.get(decodeURIComponent(path.replace(/^\/orders\//, '')))
  // Registering again changes nothing and gives a fresh ticket, so a page that is reloaded waits on.
  if (order) return [200, {...order, ticket: await register(order), tillbell: TILLBELL_URL}]
  const file = /^\/([a-z]+\.(html|js))?$/.exec(path)
  if (method === 'GET' && file) return [200, await readFile(`${PAGE}/${file[1] ?? 'index.html'}`), types[file[2] ?? 'html']]
  return [404, {}]
}

const server = createServer(async (request, response) => {
  const path = request.url.split('?')[0]
  let [status, body, type] = [502, {}]
  try {
    [status, body, type] = await answer(request.method, path)
  } catch (error) {
    console.error(error.message)
  }
  response.writeHead(status, {'Content-Type': type ?? 'application/json', 'Cache-Control': 'no-store'})
  response.end(type ? body : JSON.stringify(body))
})
const [, host, port] = /^(.*):(\d+)$/.exec(LISTEN)
server.listen(Number(port), host, () => console.log(`the shop is at http://${LISTEN}`))
follow()
