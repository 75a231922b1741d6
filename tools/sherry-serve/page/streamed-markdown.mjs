// streamed-markdown.mjs - Renders markdown while it comes.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import {CodeBlock} from './code-block.mjs';
import {cutBlock, cutLimit} from './cut.mjs';
import {cancelFrames, requestFrames} from './frames.mjs';
import {findBlocks, normalise, parseBlocks, renderBlocks} from './markdown.mjs';

// Characters that are read between two checks of the clock.
const stride = 500;
// Milliseconds between two renderings of the same block.
const pause = 60;
// Rows after which a table continues in another with the same head: the
// browser lays out whole tables.
const longTable = 100;

const openingFence = /^(?:(`{3,})([^`\n]*)|(~{3,})([^\n]*))\n/m;
const halfFence = /(^|\n)(`+[^`\n]*|~~~[^\n]*)$/;

/**
 * Renders a text into an element while it comes. Complete blocks are rendered
 * once; only the last block is rendered again when text comes, and long blocks
 * are cut. So the cost is linear in the text.
 */
export class StreamedMarkdown {
  #element;
  #incoming = ''; // not read yet
  #tail = '';     // read, but not finally rendered
  #links = Object.create(null);
  #code = null;      // the code block that the text is in
  #closingFence = null;
  #inLine = false;   // code block: the last line has begun
  #provisional = []; // nodes of the tail
  #cutElement = null; // the block whose front was cut off
  #finished = false;
  #timer = null;
  #rendered = 0; // time of the last rendering

  constructor(element) {
    this.#element = element;
    element.setAttribute('aria-busy', 'true');
  }

  /** Adds text. */
  append(text) {
    this.#incoming += text.replaceAll('\r', '');
    this.#schedule();
  }

  /** Whether finish() was called. */
  get finished() {
    return this.#finished;
  }

  /** Ends the text. */
  finish() {
    if (this.#finished)
      return;
    this.#finished = true;
    this.#schedule();
  }

  /** Stops all work; the element keeps its contents. */
  destroy() {
    clearTimeout(this.#timer);
    cancelFrames(this);
    this.#code?.finish();
  }

  /** Called by frames.mjs. */
  work(deadline) {
    do {
      this.#tail += this.#incoming.slice(0, stride);
      this.#incoming = this.#incoming.slice(stride);
      while (this.#code ? this.#takeCode() : this.#takeBlocks())
        ;
    } while (this.#incoming !== '' && performance.now() < deadline);
    if (this.#incoming !== '')
      return true;
    if (this.#finished)
      this.#end();
    else
      this.#renderTail();
    this.#rendered = performance.now();
    return false;
  }

  #schedule() {
    const wait = this.#rendered + pause - performance.now();
    if (wait <= 0) {
      requestFrames(this);
      return;
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      requestFrames(this);
    }, wait);
  }

  /** Passes code on; returns true if the block ended. */
  #takeCode() {
    const closing = this.#closingFence.exec(this.#codeLines());
    if (closing) {
      const start = this.#lineStart() + closing.index;
      this.#code.append(this.#tail.slice(0, start));
      this.#tail = this.#tail.slice(start + closing[0].length);
      this.#endCode();
      return true;
    }
    // A line that could still become the end of the code waits.
    const last = this.#tail.lastIndexOf('\n') + 1;
    const waits = (last > 0 || !this.#inLine) &&
        /^ {0,3}[`~]*[ \t]*$/.test(this.#tail.slice(last));
    const end = waits ? last : this.#tail.length;
    if (end > 0) {
      this.#inLine = this.#tail[end - 1] !== '\n';
      this.#code.append(this.#tail.slice(0, end));
      this.#tail = this.#tail.slice(end);
    }
    return false;
  }

  #lineStart() {
    return this.#inLine ? this.#tail.indexOf('\n') + 1 || this.#tail.length : 0;
  }

  #codeLines() {
    return this.#tail.slice(this.#lineStart());
  }

  #endCode() {
    this.#code.finish();
    this.#code = null;
  }

  /** Finally renders blocks that cannot change; true if a code block began. */
  #takeBlocks() {
    // Tabs within code stay, so code is found first.
    const fence = openingFence.exec(this.#tail);
    if (fence) {
      this.#settle(normalise(this.#tail.slice(0, fence.index)));
      this.#tail = this.#tail.slice(fence.index + fence[0].length);
      this.#beginCode(fence);
      return true;
    }
    this.#tail = normalise(this.#tail);
    // The meaning of the last line may still change.
    const lines = this.#tail.slice(0, this.#tail.lastIndexOf('\n') + 1);
    const tokens = findBlocks(lines, this.#links) ?? [];
    const last = tokens.findLastIndex((token) => token.type !== 'space');
    const length = lengthOf(tokens.slice(0, Math.max(last, 0)));
    if (length > 0) {
      this.#settle(this.#tail.slice(0, length));
      this.#tail = this.#tail.slice(length);
    }
    this.#cutTail();
    return false;
  }

  #beginCode(fence) {
    const marks = fence[1] ?? fence[3];
    this.#closingFence =
        new RegExp(`^ {0,3}${marks[0]}{${marks.length},}[ \\t]*\\n`, 'm');
    this.#inLine = false;
    this.#code = new CodeBlock((fence[2] ?? fence[4]).trim());
    this.#element.append(this.#code.element);
  }

  #cutTail() {
    if (this.#tail.length < cutLimit)
      return;
    const tokens = parseBlocks(this.#tail, this.#knownLinks()) ?? [];
    const cut = tokens.length > 0 &&
        tokens[0].raw.length >= this.#tail.trimEnd().length &&
        cutBlock(tokens[0], this.#tail);
    if (!cut)
      return;
    this.#settle(cut[0]);
    this.#cutElement = this.#element.lastElementChild;
    this.#tail = cut[1];
  }

  /** Finally renders `text`. */
  #settle(text) {
    this.#clearProvisional();
    const fragment = this.#render(text, this.#links);
    for (const code of fragment.querySelectorAll('pre > code'))
      code.parentElement.replaceWith(wholeBlock(code));
    this.#place(fragment);
    this.#cutElement = null;
  }

  #renderTail() {
    this.#clearProvisional();
    if (this.#code)
      return;
    // The beginning of a code block would briefly appear as text.
    const text = this.#tail.replace(halfFence, '$1');
    this.#provisional = this.#place(this.#render(text, this.#knownLinks()));
  }

  #clearProvisional() {
    for (const node of this.#provisional)
      node.remove();
    this.#provisional = [];
  }

  #render(text, links) {
    return text.trim() === '' ?
        document.createDocumentFragment() :
        renderBlocks(parseBlocks(text, links), text);
  }

  /** A copy, because the last definition of a text may still grow. */
  #knownLinks() {
    return Object.assign(Object.create(null), this.#links);
  }

  /** Appends blocks, the first to the block that was cut; returns its nodes. */
  #place(fragment) {
    const nodes = [];
    const first = fragment.firstElementChild;
    const cut = this.#cutElement;
    const isLong = (cut?.tBodies?.[0]?.rows.length ?? 0) >= longTable;
    if (cut && first?.tagName === cut.tagName && !isLong) {
      const from = first.tBodies ? first.tBodies[0] : first;
      const to = cut.tBodies ? cut.tBodies[0] : cut;
      first.remove();
      nodes.push(...from?.childNodes ?? []);
      to.append(...nodes);
    }
    nodes.push(...fragment.childNodes);
    this.#element.append(fragment);
    return nodes;
  }

  #end() {
    if (this.#code) {
      // The text may end with the fence itself.
      const closing = this.#closingFence.exec(this.#codeLines() + '\n');
      const end = closing ? this.#lineStart() + closing.index : undefined;
      this.#code.append(this.#tail.slice(0, end));
      this.#endCode();
    } else {
      this.#settle(this.#tail);
    }
    this.#tail = '';
    this.#element.setAttribute('aria-busy', 'false');
  }
}

function lengthOf(tokens) {
  return tokens.reduce((sum, token) => sum + token.raw.length, 0);
}

function wholeBlock(code) {
  const block = new CodeBlock(code.className.replace(/^language-/, ''));
  block.append(code.textContent);
  block.finish();
  return block.element;
}
