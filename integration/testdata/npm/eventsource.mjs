// Waits with the npm package eventsource and prints what it sees as JSON lines, until the EventSource is closed.
// node eventsource.mjs URL TICKET CURSOR
import {EventSource} from 'eventsource'

const [url, ticket, cursor] = process.argv.slice(2)
const say = line => console.log(JSON.stringify(line))

const source = new EventSource(url, {
  // The place where this package lets headers be set; it sends Last-Event-ID itself from its second request on.
  fetch: async (input, init) => {
    const headers = {...(cursor && {'Last-Event-ID': cursor}), ...init.headers, Authorization: `Bearer ${ticket}`}
    const response = await fetch(input, {...init, headers})
    if (response.status !== 200) say({kind: 'refused', http: response.status})
    return response
  },
})
source.onopen = () => say({kind: 'opened'})
source.onmessage = e => say({kind: 'event', id: e.lastEventId, data: e.data})
for (const kind of ['state', 'ping', 'end']) {
  source.addEventListener(kind, e => say({kind, id: e.lastEventId, data: e.data}))
}
