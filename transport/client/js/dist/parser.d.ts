/**
 * Reads an event stream by the rules of WHATWG HTML, section 9.2.6. The function it returns takes the text as it comes,
 * cut anywhere. It throws when a line or an event is too long to be the server's.
 */
export declare function parser(onMessage: (event: string, data: string, id: string) => void, onRetry: (ms: number) => void): (text: string) => void;
