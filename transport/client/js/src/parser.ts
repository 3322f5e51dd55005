/**
 * Reads an event stream by the rules of WHATWG HTML, section 9.2.6. The function it returns takes the text as it comes,
 * cut anywhere. A line may have any length: a connection that brings no frame is soon ended.
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
