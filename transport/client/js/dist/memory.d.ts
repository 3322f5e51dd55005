import { Platform } from "./platform.js";
/** Remembers a way in a store of texts, which may be full, hold something else, or be forbidden: then it throws. */
export declare function memory(read: () => string | null, write: (text: string) => void): Pick<Platform, "recall" | "remember">;
