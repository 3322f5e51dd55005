// The page's language: which one, and how its words get into the page.

import en from "./en.js";
import zh from "./zh.js";

/** What the providers are called in Chinese; the others keep their label. */
const labels = { "wechatpay-v3": "微信支付", "wechatpay-v2": "微信支付 v2", alipay: "支付宝" };

const asked = new URLSearchParams(location.search).get("lang") ?? navigator.language;

/** @type {"en"|"zh"} The page's language. */
export const language = asked.toLowerCase().startsWith("zh") ? "zh" : "en";

const words = language === "zh" ? zh : en;
const locale = language === "zh" ? "zh-CN" : "en-US";

/**
 * Returns the text of that name, with {key} replaced by the value of that key.
 * @param {string} name
 * @param {Record<string, string|number>} [values]
 */
export function text(name, values = {}) {
  return words[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

/** Returns what people call the source, by the page's own list of them. @param {string} source */
export function label(source) {
  const span = document.querySelector(`[data-label="${CSS.escape(source)}"]`);
  return span?.textContent ?? source;
}

/** Returns an amount in major units as people write it. @param {string} amount @param {string} currency */
export function money(amount, currency) {
  return new Intl.NumberFormat(locale, { style: "currency", currency, currencyDisplay: "narrowSymbol" }).format(amount);
}

/** Returns a time span in the unit that reads best: 412 µs, 1.3 ms, 28 ms, 4.2 s. @param {number} micros */
export function span(micros) {
  if (micros < 1_000) return `${Math.max(0, Math.round(micros))} µs`;
  const ms = micros / 1_000;
  if (ms < 1_000) return `${ms < 10 ? Number(ms.toFixed(1)) : Math.round(ms)} ms`;
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** Returns the time of day to the millisecond. @param {Date} at */
export function clock(at) {
  const two = (n) => String(n).padStart(2, "0");
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":") + "." +
    String(at.getMilliseconds()).padStart(3, "0");
}

/** Puts the words of the language into the page. */
export function translate() {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  document.title = text("title");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of document.querySelectorAll("[data-text-label]")) element.ariaLabel = text(element.dataset.textLabel);
  const link = document.getElementById("language");
  link.href = language === "zh" ? "?lang=en" : "?lang=zh";
  if (language !== "zh") return;
  for (const element of document.querySelectorAll("[data-label]")) {
    element.textContent = labels[element.dataset.label] ?? element.textContent;
  }
  Object.assign(link, { lang: "en", hreflang: "en", textContent: "English" });
}
