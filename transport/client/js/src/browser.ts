import { memory } from "./memory.js";
import { Options } from "./options.js";
import { parser } from "./parser.js";
import { closed, Leg, Line, Platform, TAKEN } from "./platform.js";
import { poll } from "./poll.js";
import { share } from "./share.js";
import { Outcome } from "./types.js";
import { wait } from "./wait.js";

// Other runtimes than a browser's page lack some of them.
const { document, location, navigator } = globalThis as Partial<typeof globalThis>;

const STREAMS = 4; // of the six connections that browsers make to one server over HTTP/1.1, for all tabs together

/**
 * Waits until the payment has an outcome, or the wait's time is over: the promise of this resolves once, with the
 * outcome. It rejects with a TillbellError when the ticket is refused, with the signal's reason when it is aborted, and
 * with a TypeError when the URL is another server's; connections that break are none of these.
 */
export function awaitPayment(base: string | URL, urlOrPayment: string | URL, options: Options): Promise<Outcome> {
  const { signal, ticket } = options;
  return new Promise((resolve) => {
    if (signal?.aborted) throw signal.reason;
    resolve(wait(browser(address(urlOrPayment, options.base ?? base), ticket), options));
  });
}

/**
 * Returns the URL of the payment's state. A text is a payment's id, unless it is a URL of the server itself: an order
 * number that comes from outside must not send the ticket anywhere else. Another server takes a URL object.
 */
function address(urlOrPayment: string | URL, base: string | URL): string {
  base = new URL(base, location?.href);
  base.protocol = base.protocol.replace("ws", "http");
  base.pathname = base.pathname.replace(/\/?$/, "/"); // a server below a path keeps it, as for the Go client
  const text = String(urlOrPayment);
  if (urlOrPayment instanceof URL || /^((https?|wss?):\/)?\/(.*\/)?v1\/payments\//.test(text)) {
    const url = new URL(text, base);
    url.protocol = url.protocol.replace("ws", "http");
    if (!(urlOrPayment instanceof URL) && url.origin !== base.origin) {
      throw new TypeError("pass the payment's server as `base`");
    }
    return url.origin + url.pathname.replace(/(\/v1\/payments\/[^/]+)\/(sse|ws|poll)$/, "$1");
  }
  return new URL("v1/payments/" + encodeURIComponent(text), base).href;
}

/** What a browser has: event streams by fetch, which can send the ticket in a header, WebSockets, polls. */
function browser(url: string, ticket?: string): Platform {
  const key = "tillbell " + new URL(url).origin;
  const tabs = share(url);
  const bearer = new Headers(ticket ? { Authorization: "Bearer " + ticket } : {}); // it throws if that is no ticket

  /** Asks the server with the ticket. */
  function ask(path: string, leg: Leg, headers: [string, string][] = []): Promise<Response> {
    const control = new AbortController();
    leg.onStop(() => control.abort());
    return fetch(url + path, {
      headers: [...bearer, ...headers], credentials: ticket ? "omit" : "include", cache: "no-store", signal: control.signal,
    });
  }

  async function read(answer: Response) {
    const after = 1_000 * +answer.headers.get("Retry-After")! || 0;
    return { status: answer.status, body: await answer.json().catch(() => undefined), after };
  }

  const get = async (path: string, leg: Leg) => read(await ask(path, leg));

  /** Takes one of the connections that streams may have, until the leg stops. Without Web Locks nobody counts. */
  async function takeStream(leg: Leg): Promise<boolean> {
    const locks = navigator?.locks;
    for (let n = STREAMS; locks && n--; ) {
      const taken = await new Promise<unknown>((tell) =>
        locks.request(key + n, { ifAvailable: true }, (lock) => {
          tell(lock);
          return lock && new Promise<void>((release) => leg.onStop(release));
        }).catch(() => tell(true))); // a page that may not ask counts for itself
      if (taken) return true;
    }
    return !locks;
  }

  async function sse({ leg, cursor, take, judge, retry }: Line): Promise<never> {
    if (!(await takeStream(leg))) throw TAKEN;
    const answer = await ask("/sse", leg, cursor ? [["Last-Event-ID", cursor]] : []);
    if (answer.status === 204) take({ type: "end", code: "done" }); // the cursor had the outcome
    if (!answer.headers.get("Content-Type")?.includes("text/event-stream")) {
      judge(await read(answer));
      throw closed();
    }
    const push = parser((type, data, position) => {
      if (type === "message") take({ type: "event", position, event: JSON.parse(data) });
      else if (/^(state|ping|end)$/.test(type)) take({ ...JSON.parse(data), type });
    }, retry);
    const reader = answer.body!.getReader(), decoder = new TextDecoder();
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw closed();
      push(decoder.decode(value, { stream: true }));
    }
  }

  function ws({ leg, cursor, take }: Line): Promise<never> {
    return new Promise((_, fail) => {
      const at = url.replace("http", "ws") + "/ws" + (cursor && "?after=" + encodeURIComponent(cursor));
      const socket = new WebSocket(at, ["tillbell.v1"].concat(ticket ? "bearer." + ticket : []));
      const over = () => fail(closed());
      socket.onclose = over;
      socket.onmessage = ({ data }) => {
        try {
          take(JSON.parse(data));
        } catch (reason) {
          fail(reason);
        }
      };
      leg.onStop(() => {
        socket.close();
        over();
      });
    });
  }

  return {
    get,
    ways: { sse, ws, poll: async (line) => poll(line, get, await takeStream(line.leg)) },
    ...memory(() => localStorage.getItem(key), (text) => localStorage.setItem(key, text)),
    unwatched: () => document?.hidden,
    watch(leg, wake, leave) {
      const on = (target: EventTarget | undefined, type: string, f: (event: any) => void) => {
        target?.addEventListener?.(type, f);
        leg.onStop(() => target?.removeEventListener?.(type, f));
      };
      const back = () => {
        tabs?.enter();
        wake();
      };
      const away = () => {
        tabs?.leave();
        leave();
      };
      on(globalThis, "online", wake);
      on(globalThis, "pageshow", (event) => event.persisted && back()); // the first one is no return
      on(document, "resume", back);
      on(document, "visibilitychange", () => document!.hidden || back());
      on(globalThis, "pagehide", away); // a page that holds connections or locks is not kept for a return
      on(document, "freeze", away);
      tabs?.enter();
      leg.onStop(() => tabs?.leave());
    },
    ...tabs,
  };
}
