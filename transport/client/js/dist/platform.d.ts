import { PaymentEvent, Snapshot } from "./types.js";
/** One connection, one request, or the pause between two: something that may be stopped, and stops by itself when late. */
export interface Leg {
    /** Stops it. Stopping it twice is nothing. */
    stop(): void;
    stopped: boolean;
    /** Its time was over. */
    late: boolean;
    /** Calls f when it stops, at once if it has. */
    onStop(f: () => void): void;
    /** Stops it in ms unless that is said again before. */
    expect(ms: number): void;
}
export declare function newLeg(ms: number): Leg;
/** What a connection brings: the WebSocket's messages, and the same from everywhere else. */
export type Frame = ({
    type: "state";
} & Snapshot) | {
    type: "event";
    position: string;
    event: PaymentEvent;
} | {
    type: "ping";
} | {
    type: "end";
    code: string;
    after?: number;
};
/** What a way throws that cannot be had, whatever it has done before. */
export declare const TAKEN = "taken";
/** What else ends a connection is not told: it is tried again. */
export declare const closed: () => Error;
/** What a connection is given. */
export interface Line {
    leg: Leg;
    /** Where the wait is in the payment's log; "" at its beginning. A connection whose frames do not say it sets it. */
    cursor: string;
    /** Takes a frame, and returns whether it tells what was not told before. What it throws ends the connection. */
    take(frame: Frame): boolean;
    /** Returns the body of an answer that is one, and throws what the End table says of any other. */
    judge(answer: Answer): any;
    /** How many ms the server wants a client to stay away that has lost it. */
    retry(ms: number): void;
}
/** An answer over HTTP. */
export interface Answer {
    status: number;
    /** Of JSON; undefined if it was none. */
    body: any;
    /** Retry-After, in ms; 0 without one. */
    after: number;
}
/** What a wait needs of the world it runs in. */
export interface Platform {
    /** Asks with the ticket for what lies at the path behind the payment. It rejects when nothing answers. */
    get(path: string, leg: Leg): Promise<Answer>;
    /** The ways to wait, by name, in the order to try them. Each lasts as long as its connection, and then rejects. */
    ways: Record<string, (line: Line) => Promise<never>>;
    /** Calls the functions when the page may have missed something, and when it leaves, until the leg stops. */
    watch(leg: Leg, wake: () => void, leave: () => void): void;
    /** The way that has proven itself here, or "". */
    recall(): string;
    remember(way: string | undefined): void;
    /** Whether timers are slow because nobody looks. */
    unwatched(): boolean | undefined;
    /** The way through another page that waits for the same, while there may be one. */
    follow?(): ((line: Line) => Promise<never>) | undefined;
    /** Tells the other pages. */
    share?(frame: Frame): void;
}
