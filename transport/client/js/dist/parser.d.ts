/**
 * Reads an event stream by the rules of WHATWG HTML, section 9.2.6. The function it returns takes the text as it comes,
 * cut anywhere. A line may have any length: a connection that brings no frame is soon ended.
 */
export declare function parser(onMessage: (event: string, data: string, id: string) => void, onRetry: (ms: number) => void): (text: string) => void;
