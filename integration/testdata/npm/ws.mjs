// Waits with the npm package ws and prints what it sees as JSON lines, until the connection is closed.
// node ws.mjs URL TICKET CURSOR
import {WebSocket} from 'ws'

const [url, ticket, cursor] = process.argv.slice(2)
const say = line => console.log(JSON.stringify(line))

const headers = {Authorization: `Bearer ${ticket}`, ...(cursor && {'Last-Event-ID': cursor})}
const socket = new WebSocket(url, 'tillbell.v1', {headers})
socket.on('open', () => say({kind: 'opened'}))
socket.on('message', data => say({kind: 'message', data: data.toString()}))
socket.on('close', code => say({kind: 'closed', close: code}))
socket.on('unexpected-response', (_, response) => {
  say({kind: 'refused', http: response.statusCode})
  process.exit() // a refused handshake is final; close would follow only if this listener ended the request
})
socket.on('error', err => say({kind: 'error', data: err.message}))
