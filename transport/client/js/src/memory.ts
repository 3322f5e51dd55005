import { Platform } from "./platform.js";

const DAY = 86_400_000; // ms that a way is remembered

/** Remembers a way in a store of texts, which may be full, hold something else, or be forbidden: then it throws. */
export function memory(
  read: () => string | null,
  write: (text: string) => void,
): Pick<Platform, "recall" | "remember"> {
  return {
    recall() {
      try {
        const [way, until] = read()!.split(" ");
        return +until > Date.now() ? way : "";
      } catch {
        return "";
      }
    },
    remember(way) {
      try {
        write(way + " " + (Date.now() + DAY));
      } catch { /* the next page starts anew */ }
    },
  };
}
