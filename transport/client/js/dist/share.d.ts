import { Frame, Line } from "./platform.js";
/**
 * Lets the pages of an origin that await the same payment share one connection, because a browser makes no more than six
 * to one server: the page that holds the lock leads, and tells the others over a channel. Returns undefined where the
 * browser has neither, as on an insecure origin.
 */
export declare function share(url: string): {
    follow: () => (({ leg, take }: Line) => Promise<never>) | undefined;
    /** Tells the pages that follow. */
    share(frame: Frame): void;
    /** Takes part. The page leads as soon as no other does. */
    enter(): void;
    /** Lets another page lead. */
    leave: () => void | undefined;
} | undefined;
