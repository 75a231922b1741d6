// highlighter.mjs - Asks a worker for the colours of code.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Expressions of highlight.js can take very long for some texts, and models may
// write such texts. After this time the worker is ended; the code stays plain.
const patience = 10000; // milliseconds
const mostFailures = 3;

class Highlighter {
  #worker = null;
  #answers = new Map(); // by request: resolve
  #requests = 0;
  #failures = 0;
  #timer = null;

  /**
   * The HTML of `text`, which continues the last text of `block`; null if there
   * are no colours for it.
   */
  highlight(block, language, text) {
    if (this.#failures >= mostFailures)
      return Promise.resolve(null);
    this.#start();
    const request = ++this.#requests;
    this.#worker.postMessage({request, block, language, text});
    return new Promise((resolve) => {
      this.#answers.set(request, resolve);
      this.#timer ??= setTimeout(() => this.#fail(), patience);
    });
  }

  /** Forgets the state of `block`. */
  release(block) {
    this.#worker?.postMessage({block});
  }

  #start() {
    if (this.#worker)
      return;
    this.#worker = new Worker(new URL('highlight-worker.mjs', import.meta.url),
                              {type: 'module'});
    this.#worker.onmessage = ({data}) => this.#take(data);
    this.#worker.onerror = () => this.#fail();
  }

  #take({request, html}) {
    this.#answers.get(request)?.(html);
    this.#answers.delete(request);
    clearTimeout(this.#timer);
    this.#timer = this.#answers.size === 0 ?
        null : setTimeout(() => this.#fail(), patience);
  }

  #fail() {
    ++this.#failures;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#worker?.terminate();
    this.#worker = null;
    for (const resolve of this.#answers.values())
      resolve(null);
    this.#answers.clear();
  }
}

export const highlighter = new Highlighter();
