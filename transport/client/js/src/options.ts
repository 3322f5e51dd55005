import { Listeners } from "./types.js";

export interface Options extends Listeners {
  /** The permission to await this payment. A browser without one sends the cookie `tillbell_ticket`. */
  ticket?: string;
  /** Ends the wait. The promise rejects with its reason, and nothing is left behind. */
  signal?: AbortSignal;
  /** The server's URL. */
  base?: string | URL;
}
