// A stand-in of the WeChat runtime's calls that the client uses, by their documentation at
// developers.weixin.qq.com/miniprogram/dev: api/network/request, api/network/websocket, framework/ability/network,
// framework/runtime/operating-mechanism.
import http from "node:http";

const REQUESTS = 10; // at one time
const SOCKETS = 5;
const TIMEOUT = 60_000; // ms, unless a request names less

/** A phone with one mini-program. WebSocket is the npm package ws's. */
export function newPhone(WebSocket) {
  const storage = new Map();
  const requests = new Set(), sockets = new Set(), timers = new Set();
  const shown = new Set(), hid = new Set(), changed = new Set();
  let background = false, suspended = false, online = true;
  let held = []; // callbacks that come when the mini-program is resumed
  let origin; // that the phone sends with WebSockets, as some do

  /** Calls f soon, and never before the call that it answers has returned. */
  const later = (f, ...args) => setImmediate(() => (suspended ? held.push(() => f?.(...args)) : f?.(...args)));

  /** Ends a call that did not succeed. */
  const refuse = ({ fail, complete }, errMsg, more) => later(() => {
    fail?.({ errMsg, ...more });
    complete?.({ errMsg, ...more });
  });

  function request(options) {
    const { url, data, header = {}, method = "GET", dataType = "json", timeout = TIMEOUT } = options;
    if (data !== undefined) throw new Error("the stand-in sends no body");
    if (!online) return void refuse(options, "request:fail ", { errno: 600_001 });
    if (background && suspended) return void refuse(options, "request:fail interrupted");
    if (requests.size >= REQUESTS) return void refuse(options, "request:fail exceed max task count");
    const headers = { ...header, Referer: "https://servicewechat.com/wx8888888888888888/1/page-frame.html" };
    if (!Object.keys(header).some((name) => name.toLowerCase() === "content-type")) headers["content-type"] = "application/json";
    const asked = http.request(url, { method, headers, timeout: Math.min(timeout, TIMEOUT), agent: false });
    const task = {
      end(errMsg, more) {
        if (!requests.delete(task)) return;
        asked.destroy();
        if (errMsg) refuse(options, errMsg, more);
      },
    };
    requests.add(task);
    asked.on("timeout", () => task.end("request:fail timeout", { errno: 5 }));
    asked.on("error", ({ code }) => task.end("request:fail " + code, { errno: 600_002 }));
    asked.on("response", async (answer) => {
      let text = "";
      try {
        for await (const piece of answer.setEncoding("utf8")) text += piece;
      } catch {
        return task.end("request:fail socket hang up", { errno: 600_002 });
      }
      if (!requests.delete(task)) return;
      const names = answer.rawHeaders.filter((_, i) => i % 2 === 0); // in the server's case
      const result = {
        data: dataType === "json" ? parsed(text) : text, statusCode: answer.statusCode, cookies: [], errMsg: "request:ok",
        header: Object.fromEntries(names.map((name) => [name, answer.headers[name.toLowerCase()]])),
      };
      later(() => { // whatever the status is
        options.success?.(result);
        options.complete?.(result);
      });
    });
    asked.end();
    return { abort: () => task.end("request:fail abort") };
  }

  function connectSocket(options) {
    const { url, header = {}, protocols = [] } = options;
    if (sockets.size >= SOCKETS) return void refuse(options, "connectSocket:fail exceed max task count");
    if (background && suspended) return void refuse(options, "connectSocket:fail interrupted");
    later(options.success, { errMsg: "connectSocket:ok" }); // the call is; the connection may still fail
    const listeners = { open: [], message: [], error: [], close: [] };
    const tell = (name, what) => later(() => listeners[name].forEach((listener) => listener(what)));
    const task = {
      /** Ends the connection without a word to the server. */
      end(code, reason) {
        if (!sockets.delete(task)) return;
        tell("close", { code, reason });
        socket.terminate();
      },
    };
    sockets.add(task);
    const socket = new WebSocket(url, protocols, { headers: header, origin, perMessageDeflate: false });
    socket.on("error", ({ message }) => sockets.has(task) && tell("error", { errMsg: message }));
    socket.on("open", () => sockets.has(task) && tell("open", { header: {} }));
    socket.on("message", (data, binary) => sockets.has(task) && tell("message", { data: binary ? toArrayBuffer(data) : String(data) }));
    socket.on("close", (code, reason) => task.end(code, String(reason) || (code === 1006 ? "abnormal closure" : "")));
    if (!online) socket.terminate();
    return {
      onOpen: (listener) => listeners.open.push(listener),
      onMessage: (listener) => listeners.message.push(listener),
      onError: (listener) => listeners.error.push(listener),
      onClose: (listener) => listeners.close.push(listener),
      close({ code = 1000, reason, success, fail, complete } = {}) {
        const open = socket.readyState === WebSocket.OPEN;
        if (open) socket.close(code, reason);
        const errMsg = open ? "closeSocket:ok" : "closeSocket:fail WebSocket is not connected";
        later(() => {
          (open ? success : fail)?.({ errMsg });
          complete?.({ errMsg });
        });
      },
    };
  }

  /** Drops what the network carries without a word. */
  function forget() {
    requests.clear();
    sockets.clear();
  }

  const tellAll = (listeners, what) => listeners.forEach((listener) => listener(what));

  return {
    wx: {
      request, connectSocket,
      getStorageSync: (key) => storage.get(key) ?? "",
      setStorageSync: (key, content) => void storage.set(key, content),
      onAppShow: (listener) => void shown.add(listener),
      onAppHide: (listener) => void hid.add(listener),
      offAppShow: (listener) => void shown.delete(listener),
      offAppHide: (listener) => void hid.delete(listener),
      onNetworkStatusChange: (listener) => void changed.add(listener),
      offNetworkStatusChange: (listener) => void changed.delete(listener),
    },
    timers: newTimers(timers, (f) => (suspended ? held.push(f) : f())),
    /** The payer goes elsewhere. */
    hide() {
      background = true;
      tellAll(hid);
    },
    /** Five seconds later: what the network carries is interrupted, and the code stops. */
    suspend() {
      suspended = true;
      for (const task of [...requests]) task.end("request:fail interrupted");
      for (const task of [...sockets]) task.end(1000, "interrupted");
    },
    show() {
      background = suspended = false;
      const calls = held;
      held = [];
      calls.forEach((call) => call());
      tellAll(shown, { path: "pages/pay", scene: 1001 });
    },
    forget,
    lose() {
      online = false;
      forget();
      tellAll(changed, { isConnected: false, networkType: "none" });
    },
    regain() {
      online = true;
      tellAll(changed, { isConnected: true, networkType: "4g" });
    },
    /** The Origin of a runtime that sends one. */
    sendOrigin: (text) => (origin = text),
    /** What a mini-program has not ended yet. */
    left: () => requests.size + sockets.size + timers.size + shown.size + hid.size + changed.size,
    stored: () => Object.fromEntries(storage),
  };
}

/** Timers that wait while the mini-program is suspended, with numbers for names. */
function newTimers(timers, call) {
  const forget = (timer) => {
    timers.delete(timer);
    clearTimeout(timer);
  };
  return {
    setTimeout(f, ms) {
      const timer = +setTimeout(() => call(() => timers.delete(timer) && f()), ms);
      timers.add(timer);
      return timer;
    },
    setInterval(f, ms) {
      const timer = +setInterval(() => call(() => timers.has(timer) && f()), ms);
      timers.add(timer);
      return timer;
    },
    clearTimeout: forget,
    clearInterval: forget,
  };
}

/** What wx.request makes of a text: JSON if it is that. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const toArrayBuffer = (data) => data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
