import { Platform } from "./platform.js";
import { Listeners, Outcome, Signal } from "./types.js";
/**
 * Waits until the payment has an outcome, or the wait's time is over.
 *
 * The state is read first. Then the ways are tried in turn, each as long as it works; beside them the state is read
 * every few seconds until one has proven itself, because a stream that has begun may still be held up by what lies
 * between, and seldom afterwards. Whatever wakes the page starts the connection over, and reads the state at once.
 */
export declare function wait(platform: Platform, { signal, onEvent, onStatus }: Listeners & {
    signal?: Signal;
}): Promise<Outcome>;
