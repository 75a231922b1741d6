// code-block.mjs - A block of code that grows, with colours and a button.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import {copyText, make, makeButton} from './dom.mjs';
import {highlighter} from './highlighter.mjs';
import {languageOf} from './languages.mjs';
import {renderCode} from './markdown.mjs';

// Limits of text that is coloured, or laid out, at once. Colours of longer
// lines cost too much.
const pieceSize = 4000;
const longLine = 2000;

let blocks = 0;

/**
 * Shows code that comes in any parts; whole lines are coloured as they come.
 * The code is divided into blocks, so that the browser lays out only the last.
 */
export class CodeBlock {
  #name = ++blocks;
  #language;
  #text = [];      // all of it, for the clipboard
  #waiting = '';   // the text shown in #open
  #open;           // the last block
  #longLine = null; // the block of a line that is longer than longLine
  #asked = false;  // the highlighter has a request
  #finished = false;

  constructor(info) {
    const label = info.split(/\s/)[0];
    this.#language = languageOf(label);
    this.#open = make('span', {className: 'piece'});
    const button = makeButton('Copy', () => copyText(this.text, button),
                              {'aria-label': 'Copy the code'});
    const code = make('code', {}, this.#open);
    // It scrolls, so the keyboard must reach it.
    const box = make('pre', {tabIndex: 0, 'aria-label': 'Code'}, code);
    this.element = make(
        'div', {className: 'code'},
        make('div', {className: 'code-head'}, make('span', {}, label || 'text'),
             button),
        box);
  }

  get text() {
    return this.#text.join('').replace(/\n$/, '');
  }

  append(text) {
    this.#text.push(text);
    this.#show(text);
    this.#takePieces();
  }

  finish() {
    this.#finished = true;
    this.#takePieces();
  }

  #show(text) {
    this.#waiting += text;
    if (this.#open.firstChild)
      this.#open.firstChild.appendData(text);
    else
      this.#open.textContent = text;
  }

  #takePieces() {
    while (!this.#asked && this.#waiting !== '') {
      if (this.#longLine)
        this.#continueLongLine();
      else if (!this.#takePiece())
        return;
    }
    if (this.#waiting === '' && this.#finished && !this.#asked) {
      this.#open.remove();
      highlighter.release(this.#name);
    }
  }

  /** Moves whole lines out of the open block; false if there are none. */
  #takePiece() {
    let end = this.#waiting.lastIndexOf('\n', pieceSize) + 1;
    if (end === 0 && this.#waiting.length > longLine) {
      this.#longLine = this.#addPiece();
      return true;
    }
    if (end === 0 && this.#finished)
      end = this.#waiting.length;
    if (end === 0)
      return false;
    this.#colour(this.#addPiece(this.#shift(end)));
    return true;
  }

  #continueLongLine() {
    const end = this.#waiting.indexOf('\n') + 1;
    const size = Math.min(end || this.#waiting.length, pieceSize);
    this.#longLine.append(this.#shift(size));
    if (size === end)
      this.#longLine = null;
  }

  #addPiece(text = '') {
    const piece = make('span', {className: 'piece'}, text);
    this.#open.before(piece);
    return piece;
  }

  #shift(length) {
    const text = this.#waiting.slice(0, length);
    this.#waiting = this.#waiting.slice(length);
    this.#open.textContent = this.#waiting;
    return text;
  }

  async #colour(piece) {
    if (!this.#language)
      return;
    this.#asked = true;
    const html = await highlighter.highlight(this.#name, this.#language,
                                             piece.textContent);
    this.#asked = false;
    if (html === null)
      this.#language = null;
    else
      piece.replaceChildren(renderCode(html));
    this.#takePieces();
  }
}
