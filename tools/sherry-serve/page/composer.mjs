// composer.mjs - Where a message is written.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import {readTextFile} from './attachments.mjs';
import {byId, make, makeButton, notify} from './dom.mjs';

/**
 * The field for text, its files and its buttons. `actions` has
 * send({content, files}) and stop().
 */
export class Composer {
  #area = byId('text');
  #files = [];
  #actions;

  constructor(actions) {
    this.#actions = actions;
    this.#area.addEventListener('input', () => this.#fit());
    this.#area.addEventListener('keydown', (event) => this.#onKey(event));
    byId('composer').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#send();
    });
    byId('stop').addEventListener('click', () => actions.stop());
    byId('attach').addEventListener('click', () => byId('files').click());
    byId('files').addEventListener('change', (event) => {
      this.#attach(event.target.files);
    });
    this.#takeDrops();
  }

  focus() {
    this.#area.focus();
  }

  /** During an answer, it can be stopped, and nothing can be sent. */
  setRunning(running) {
    byId('stop').hidden = !running;
    byId('send').hidden = running;
  }

  #send() {
    const content = this.#area.value.trim();
    if (byId('send').hidden || (content === '' && this.#files.length === 0))
      return;
    const files = this.#files;
    this.#area.value = '';
    this.#files = [];
    this.#fit();
    this.#showFiles();
    this.#actions.send({content, files});
  }

  #onKey(event) {
    // On a phone, Enter begins a new line.
    const touch = matchMedia('(pointer: coarse)').matches;
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing &&
        (!touch || event.ctrlKey)) {
      event.preventDefault();
      this.#send();
    }
  }

  /** As high as its text; the style sheet limits it. */
  #fit() {
    this.#area.style.height = 'auto';
    this.#area.style.height = `${this.#area.scrollHeight + 2}px`;
  }

  async #attach(files) {
    for (const file of [...files]) {
      try {
        this.#files.push(await readTextFile(file));
      } catch (error) {
        notify(error.message);
      }
    }
    byId('files').value = '';
    this.#showFiles();
  }

  #showFiles() {
    byId('attached').replaceChildren(...this.#files.map((file) => make(
        'li', {}, make('span', {}, file.name),
        makeButton('×', () => {
          this.#files = this.#files.filter((other) => other !== file);
          this.#showFiles();
          this.focus();
        }, {'aria-label': `Remove ${file.name}`}))));
  }

  #takeDrops() {
    const hasFiles = (event) => event.dataTransfer?.types.includes('Files');
    document.addEventListener('dragover', (event) => {
      if (hasFiles(event))
        event.preventDefault();
    });
    document.addEventListener('drop', (event) => {
      if (!hasFiles(event))
        return;
      event.preventDefault();
      this.#attach(event.dataTransfer.files);
    });
  }
}
