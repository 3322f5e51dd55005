import { Options } from "./options.js";
/** What the script defines. `awaitPayment` awaits a payment at the server that the script comes from. */
declare const Tillbell: {
    awaitPayment: (urlOrPayment: string | URL, options?: Options) => Promise<import("./types.js").Outcome>;
};
declare global {
    interface Window {
        Tillbell: typeof Tillbell;
    }
}
export {};
