// A checkout page without any framework. It knows its order by the address, so it may be reloaded.

const show = (name, text) => { document.getElementById(name).textContent = text }

const words = {
  pending: 'Waiting for your payment…',
  failed: 'That did not work. Please pay again.',
  closed: 'This order was cancelled.',
  paid: 'Paid. Thank you!',
  refunded: 'Your money is on its way back.',
}

try {
  const order = await openOrder()
  show('order', order.order)
  show('price', `${order.amount} ${order.currency}`)
  await payment(order)
} catch (error) {
  show('status', error.code === 'unauthorized' ? 'Please reload this page.' : 'Something went wrong. Please reload this page.')
}

/** Returns the order that the address names, or opens one and puts it there. */
async function openOrder() {
  const page = new URL(location)
  if (!page.searchParams.has('order')) {
    const {order} = await ask('/orders', {method: 'POST'})
    page.searchParams.set('order', order)
    history.replaceState(null, '', page)
  }
  return ask('/orders/' + encodeURIComponent(page.searchParams.get('order')))
}

/** Waits for the order's payment and shows how it goes. The backend does not take this page's word for it. */
async function payment({order, ticket, tillbell}) {
  const {awaitPayment} = await import(new URL('client.js', tillbell + '/'))
  const outcome = await awaitPayment(order, {ticket, onStatus: snapshot => show('status', words[snapshot.status])})
  show('status', outcome.code === 'expired' ? 'Time is up. Please order again.' : words[outcome.status])
}

async function ask(path, options) {
  const response = await fetch(path, options)
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return response.json()
}
