import {StrictMode, Suspense, use} from 'react'
import {createRoot} from 'react-dom/client'
import {useAwaitPayment} from '@tillbell/client/react'

const words = {
  pending: 'Waiting for your payment…',
  failed: 'That did not work. Please pay again.',
  closed: 'This order was cancelled.',
  paid: 'Paid. Thank you!',
  refunded: 'Your money is on its way back.',
}

/** Waits for the order's payment. The backend does not take this page's word for how it ended. */
function Checkout({opening}) {
  const {order, amount, currency, ticket, tillbell, failure} = use(opening)
  const {snapshot, outcome, error} = useAwaitPayment(order ?? null, {ticket, base: tillbell})
  return (
    <>
      <p>Order <b id="order">{order}</b>: <b>{amount} {currency}</b></p>
      <p id="status" role="status">{text(snapshot, outcome, error ?? failure)}</p>
    </>
  )
}

function text(snapshot, outcome, error) {
  if (error) return 'Please reload this page.'
  if (outcome?.code === 'expired') return 'Time is up. Please order again.'
  return words[(outcome ?? snapshot)?.status ?? 'pending']
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

async function ask(path, options) {
  const response = await fetch(path, options)
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return response.json()
}

// Outside of the component: StrictMode mounts it twice, and that must not be two orders.
const opening = openOrder().catch(failure => ({failure}))

createRoot(document.getElementById('root')).render(
  <StrictMode>
    <h1>Checkout</h1>
    <Suspense fallback={<p>One moment…</p>}>
      <Checkout opening={opening} />
    </Suspense>
  </StrictMode>,
)
