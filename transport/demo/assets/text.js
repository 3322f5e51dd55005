// The page's words in English and Chinese.

const en = {
  title: "Tillbell demo shop",
  shop: "demo shop",
  payWith: "Pay with",
  goods: "Brass counter bell",
  code: "Code to pay with a phone",
  order: "Order",
  timeLeft: "Time left",
  again: "New order",
  simulate: "Be the provider",
  explain: "Each button posts a signed callback to the relay, just as the provider would.",
  happened: "What happened",

  pending: "Waiting for payment",
  paid: "Paid",
  failed: "Payment failed",
  closed: "Order closed",
  refunded: "Refunded",
  expired: "Order expired",
  hint_pending: "Nobody can scan this one: use the buttons.",
  hint_paid: "The relay told the page, not the button.",
  hint_failed: "The payer may try again.",
  hint_closed: "It was cancelled before it was paid.",
  hint_refunded: "The money went back to the payer.",
  hint_expired: "It was not paid in time.",
  hint_conflict: "A callback contradicted the outcome. It was kept and marked, and changed nothing.",

  do_paid: "Pay",
  do_pending: "Still in progress",
  do_failed: "Fail",
  do_closed: "Close",
  do_refunded: "Refund",
  do_forged: "Forge a payment",

  said_paid: "paid",
  said_pending: "in progress",
  said_failed: "failed",
  said_closed: "closed",
  said_refunded: "refunded",
  said_refund_failed: "refund failed",
  said_forged: "forged",

  log_order: "Order {payment} registered",
  log_resumed: "Order {payment} resumed: the relay still knows it",
  log_posted: "Callback posted: {said}",
  log_yes: "Acknowledged ({code})",
  log_no: "Refused ({code}), nothing changed",
  log_event: "Page told: {said}",
  log_after: "{ms} ms after the post",
  log_read: "Page read the state: {said}",
  log_over: "Wait over: {said}",
  log_error: "The shop could not be reached: {why}",
};

const zh = {
  title: "Tillbell 演示商店",
  shop: "演示商店",
  payWith: "支付方式",
  goods: "黄铜柜台铃",
  code: "手机支付二维码",
  order: "订单号",
  timeLeft: "剩余时间",
  again: "再下一单",
  simulate: "扮演支付平台",
  explain: "每个按钮都会像支付平台那样，向中继发送一条签名回调。",
  happened: "经过",

  pending: "等待支付",
  paid: "已支付",
  failed: "支付失败",
  closed: "订单已关闭",
  refunded: "已退款",
  expired: "订单已过期",
  hint_pending: "此码仅供演示，请使用下方或旁边的按钮。",
  hint_paid: "结果由中继推送，而非来自按钮。",
  hint_failed: "付款人可以重试。",
  hint_closed: "订单在支付前已取消。",
  hint_refunded: "款项已退回付款人。",
  hint_expired: "未在规定时间内支付。",
  hint_conflict: "有一条回调与结果矛盾：已保存并标记，结果不变。",

  do_paid: "支付成功",
  do_pending: "处理中",
  do_failed: "支付失败",
  do_closed: "关闭订单",
  do_refunded: "退款",
  do_forged: "伪造支付",

  said_paid: "已支付",
  said_pending: "处理中",
  said_failed: "支付失败",
  said_closed: "已关闭",
  said_refunded: "已退款",
  said_refund_failed: "退款失败",
  said_forged: "伪造的支付",

  log_order: "订单 {payment} 已登记",
  log_resumed: "恢复订单 {payment}：中继仍记得它",
  log_posted: "已发送回调：{said}",
  log_yes: "已确认（{code}）",
  log_no: "已拒绝（{code}），状态不变",
  log_event: "页面收到：{said}",
  log_after: "发送后 {ms} 毫秒",
  log_read: "页面读到状态：{said}",
  log_over: "等待结束：{said}",
  log_error: "无法连接商店：{why}",
};

/** What the providers are called in Chinese; the others keep their label. */
const labels = { "wechatpay-v3": "微信支付", alipay: "支付宝" };

const asked = new URLSearchParams(location.search).get("lang") ?? navigator.language;

/** The page's language: en or zh. */
export const language = asked.toLowerCase().startsWith("zh") ? "zh" : "en";

const words = language === "zh" ? zh : en;

/** Returns the text of that name, with {name} replaced by the value of that name. */
export function text(name, values = {}) {
  return words[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

/** Puts the words of the language into the page. */
export function translate() {
  document.documentElement.lang = language === "zh" ? "zh-Hans" : "en";
  document.title = text("title");
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of document.querySelectorAll("[data-text-label]")) element.ariaLabel = text(element.dataset.textLabel);
  if (language === "zh") {
    for (const element of document.querySelectorAll("[data-label]")) {
      element.textContent = labels[element.dataset.label] ?? element.textContent;
    }
    const link = document.getElementById("language");
    Object.assign(link, { href: "?lang=en", lang: "en", hreflang: "en", textContent: "English" });
  }
}
