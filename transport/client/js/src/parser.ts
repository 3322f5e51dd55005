import { closed } from "./platform.js";

/** What one line may have, in UTF-16 units: a frame of the server has a few hundred. */
const MAX_LINE = 65_536;

/**
 * Reads an event stream by the rules of WHATWG HTML, section 9.2.6. The function it returns takes the text as it comes,
 * cut anywhere. It throws when a line or an event is too long to be the server's.
 */
export function parser(
  onMessage: (event: string, data: string, id: string) => void,
  onRetry: (ms: number) => void,
): (text: string) => void {
  let rest = "", event = "", data = "", id = "", half = false;
  return (text) => {
    const lines = (rest + (half ? text.replace(/^\n/, "") : text)).split(/\r\n?|\n/);
    if (text) half = text.endsWith("\r"); // it ends its line, and may be half of a CRLF
    rest = lines.pop()!;
    if (rest.length + data.length > MAX_LINE) throw closed();
    for (const line of lines) {
      const [, field, content] = /^([^:]*):? ?(.*)$/s.exec(line)!;
      if (field === "event") event = content;
      else if (field === "data") data += content + "\n";
      else if (field === "id" && !content.includes("\0")) id = content;
      else if (field === "retry" && /^\d+$/.test(content)) onRetry(+content);
      if (line) continue;
      if (data) onMessage(event || "message", data.slice(0, -1), id);
      event = data = "";
    }
  };
}
