/*
 * The script that Tillbell serves at /client.classic.js, for pages without modules. It defines Tillbell:
 *
 *   <script src="https://pay.shop.example/client.classic.js"></script>
 *   <script>Tillbell.awaitPayment("order-1001", { ticket }).then(…)</script>
 */
import * as browser from "./browser.js";
import { Options } from "./options.js";

const home = new URL(".", (document.currentScript as HTMLScriptElement).src);

/** What the script defines. `awaitPayment` awaits a payment at the server that the script comes from. */
const Tillbell = {
  awaitPayment: (urlOrPayment: string | URL, options: Options = {}) => browser.awaitPayment(home, urlOrPayment, options),
};

declare global {
  interface Window {
    Tillbell: typeof Tillbell;
  }
}

window.Tillbell = Tillbell;
