// Parses many event streams, each in the pieces it comes in, and prints what each one told as a line of JSON.
// node parser.mjs PARSER < STREAMS
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { parser } = await import(pathToFileURL(process.argv[2]).href);

for (const { name, pieces } of JSON.parse(readFileSync(0, "utf8"))) {
  const messages = [], decoder = new TextDecoder();
  let retry = 0;
  const push = parser((event, data, id) => messages.push({ event, data, id }), (ms) => (retry = ms));
  for (const piece of pieces) push(decoder.decode(Buffer.from(piece, "base64"), { stream: true }));
  console.log(JSON.stringify({ name, messages, retry }));
}
