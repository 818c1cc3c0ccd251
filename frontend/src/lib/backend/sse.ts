/** One message of an event stream. */
export interface StreamMessage {
  id: string;
  event: string;
  data: string;
}

/**
 * Parses a `text/event-stream` by hand, because EventSource cannot send an Authorization header. Feed it decoded text
 * as it arrives; a chunk may end anywhere, also between the two characters of a line end.
 */
export class StreamParser {
  #rest = '';
  #id = '';
  #event = '';
  #data: string[] = [];

  push(text: string): StreamMessage[] {
    const messages: StreamMessage[] = [];
    this.#rest += text;
    for (;;) {
      const end = this.#rest.search(/[\r\n]/);
      if (end < 0) break;
      // A carriage return at the very end may be half of CRLF: wait for what follows.
      if (this.#rest[end] === '\r' && end === this.#rest.length - 1) break;
      const width = this.#rest.startsWith('\r\n', end) ? 2 : 1;
      const message = this.#line(this.#rest.slice(0, end));
      this.#rest = this.#rest.slice(end + width);
      if (message) messages.push(message);
    }
    return messages;
  }

  #line(line: string): StreamMessage | undefined {
    if (line === '') return this.#dispatch();
    if (line.startsWith(':')) return undefined; // a heartbeat
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    return undefined;
  }

  #dispatch(): StreamMessage | undefined {
    const data = this.#data;
    const event = this.#event || 'message';
    this.#data = [];
    this.#event = '';
    return data.length > 0 ? { id: this.#id, event, data: data.join('\n') } : undefined;
  }
}
