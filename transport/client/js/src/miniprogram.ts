/*
 * The npm package's entry for WeChat mini-programs, which have neither fetch nor WebSocket, but calls of their own:
 *
 *   const outcome = await awaitPayment("order-1001", { ticket, base: "https://pay.shop.example" });
 *
 * What it says of them is from developers.weixin.qq.com/miniprogram/dev: api/network and framework/ability/network.
 */
import { memory } from "./memory.js";
import { Answer, closed, Leg, Line, Platform } from "./platform.js";
import { poll } from "./poll.js";
import { Listeners, Outcome, Signal } from "./types.js";
import { wait } from "./wait.js";

export { TillbellError } from "./types.js";
export type { Outcome, PaymentEvent, Signal, Snapshot } from "./types.js";

const TIMEOUT = 60_000; // ms that wx.request may take, the most it allows: app.json may name less than a poll waits

export interface Options extends Listeners {
  /** The permission to await this payment: a mini-program has no cookies. */
  ticket: string;
  /** The server's URL. It is to be named among the mini-program's domains, for `request` and for `socket`. */
  base: string;
  /** Ends the wait. The promise rejects with its reason, and nothing is left behind. The runtime has no AbortSignal. */
  signal?: Signal;
}

/**
 * Waits until the payment has an outcome, or the wait's time is over: the promise of this resolves once, with the
 * outcome. It rejects with a TillbellError when the ticket is refused, with the signal's reason when it is aborted, and
 * with a TypeError when `base` is no server's URL or the payment's URL another server's; connections that break are none
 * of these. A mini-program in the background is told the outcome when it is shown again.
 */
export async function awaitPayment(urlOrPayment: string, options: Options): Promise<Outcome> {
  const { signal, ticket } = options;
  if (signal?.aborted) throw signal.reason ?? new Error("aborted");
  return wait(miniProgram(address(urlOrPayment, options.base), ticket), options);
}

/**
 * Returns the URL of the payment's state, as it does for pages; see `browser.ts`. The runtime has no URL to take one apart.
 */
function address(urlOrPayment: string, base: string): string {
  const [, home, folder] = /^(https?:\/\/[^/?#\\@]+)(\/[^?#]*|$|(?=[?#]))/i.exec(base) ?? [];
  if (!home) throw new TypeError("name Tillbell's URL as `base`, such as https://pay.shop.example");
  const [, origin, path] = /^((?:(?:http|ws)s?:)?\/\/[^/]*)?(\/(?:.*\/)?v1\/payments\/[^/?#]+)/i.exec(urlOrPayment) ?? [];
  if (!path) return home + folder.replace(/\/?$/, "/") + "v1/payments/" + encodeURIComponent(urlOrPayment);
  if (origin && origin.toLowerCase().replace(/^ws/, "http") !== home.toLowerCase()) {
    throw new TypeError("another server: pass its URL as `base`");
  }
  return home + path;
}

/** What a mini-program has: WebSockets and polls, which both send the ticket in a header. */
function miniProgram(url: string, ticket: string): Platform {
  const key = "tillbell " + /^[^/]*\/\/[^/]*/.exec(url)![0];
  const header = { Authorization: "Bearer " + ticket };
  let hidden = false;

  const get = (path: string, leg: Leg) => new Promise<Answer>((resolve, fail) => {
    const over = () => fail(closed());
    const task = wx.request({
      url: url + path, header, timeout: TIMEOUT, fail: over,
      success: ({ statusCode, data, header }) => resolve({ // whatever the status is
        status: statusCode, after: 1_000 * +find(header, "retry-after") || 0,
        body: typeof data === "object" ? data ?? undefined : undefined, // what is no JSON comes as a text
      }),
    });
    leg.onStop(() => {
      task?.abort();
      over(); // fail is called late, or not at all in the background
    });
  });

  function ws({ leg, cursor, take }: Line): Promise<never> {
    return new Promise((_, fail) => {
      const over = () => fail(closed());
      const at = url.replace(/^http/i, "ws") + "/ws" + (cursor && "?after=" + encodeURIComponent(cursor));
      // There is none if the mini-program has five already.
      const socket = wx.connectSocket({ url: at, header, protocols: ["tillbell.v1"], fail: over });
      const close = () => socket?.close({ code: 1000, fail() {} });
      socket?.onOpen(() => leg.stopped && close()); // closing does nothing while it connects
      socket?.onError(over);
      socket?.onClose(over);
      socket?.onMessage(({ data }) => {
        try {
          take(JSON.parse(data as string));
        } catch (reason) {
          fail(reason);
        }
      });
      leg.onStop(() => {
        close();
        over();
      });
    });
  }

  return {
    get,
    ways: { ws, poll: (line) => poll(line, get) },
    ...memory(() => wx.getStorageSync(key), (text) => wx.setStorageSync(key, text)),
    unwatched: () => hidden,
    watch(leg, wake) {
      // Sockets and requests end soon after it is hidden, and after five seconds so do timers. None of them must be
      // stopped for that: WeChat for desktops goes on with them.
      const hide = () => {
        hidden = true;
      };
      const show = () => {
        hidden = false;
        wake();
      };
      const network = ({ isConnected }: { isConnected: boolean }) => isConnected && wake();
      wx.onAppHide?.(hide);
      wx.onAppShow?.(show);
      wx.onNetworkStatusChange?.(network);
      leg.onStop(() => {
        wx.offAppHide?.(hide);
        wx.offAppShow?.(show);
        wx.offNetworkStatusChange?.(network);
      });
    },
  };
}

/** Returns the header of the name, which is in lower case; its case in an answer is the server's, or the phone's. */
function find(header: Record<string, string> | undefined, name: string): string {
  for (const key in header) if (key.toLowerCase() === name) return header[key];
  return "";
}

/** The calls of the runtime that are used here. What may be missing came later than wx.connectSocket's `protocols`. */
declare const wx: {
  request(options: {
    url: string;
    header: Record<string, string>;
    timeout: number;
    success(answer: { statusCode: number; data: unknown; header?: Record<string, string> }): void;
    fail(): void;
  }): { abort(): void } | undefined;
  connectSocket(options: {
    url: string;
    header: Record<string, string>;
    protocols: string[];
    fail(): void;
  }): Socket | undefined;
  getStorageSync(key: string): string;
  setStorageSync(key: string, content: string): void;
  onAppShow?(listener: () => void): void;
  onAppHide?(listener: () => void): void;
  onNetworkStatusChange?(listener: (network: { isConnected: boolean }) => void): void;
  offAppShow?(listener: () => void): void;
  offAppHide?(listener: () => void): void;
  offNetworkStatusChange?(listener: (network: { isConnected: boolean }) => void): void;
};

/** A SocketTask. */
interface Socket {
  onOpen(listener: () => void): void;
  onMessage(listener: (message: { data: string | ArrayBuffer }) => void): void;
  onError(listener: () => void): void;
  onClose(listener: () => void): void;
  close(options: { code: number; fail(): void }): void;
}
