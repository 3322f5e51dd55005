import { Line, Platform } from "./platform.js";
/** Polls until the connection is to end. Where no connection may be held, each poll is answered at once. */
export declare function poll(line: Line, get: Platform["get"], mayHold?: boolean): Promise<never>;
