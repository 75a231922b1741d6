// sse.mjs - Reads server-sent events from a stream of bytes.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/**
 * Yields the data of each event of `body`, a ReadableStream of bytes. Comments
 * and other fields are skipped, as is an event that the end cuts off.
 */
export async function* readEvents(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const parser = new EventParser();
  try {
    for (;;) {
      const {done, value} = await reader.read();
      if (done)
        return;
      // A character may be split between two chunks.
      yield* parser.push(decoder.decode(value, {stream: true}));
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Cuts text into events; linear in the text, however it is split. */
export class EventParser {
  #line = '';
  #data = [];
  #afterReturn = false;

  /** Adds text; returns the data of the events that it completes. */
  push(text) {
    const events = [];
    // A line ends with CR, LF or both.
    if (this.#afterReturn && text.startsWith('\n'))
      text = text.slice(1);
    if (text !== '')
      this.#afterReturn = text.endsWith('\r');
    const lines = text.split(/\r\n|\r|\n/);
    lines[0] = this.#line + lines[0];
    this.#line = lines.pop();
    for (const line of lines)
      this.#take(line, events);
    return events;
  }

  #take(line, events) {
    if (line === '') {
      if (this.#data.length > 0)
        events.push(this.#data.join('\n'));
      this.#data = [];
    } else if (line.startsWith('data:')) {
      this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
    }
  }
}
