// message-view.mjs - One message on the page.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import {copyText, make, makeButton} from './dom.mjs';
import {StreamedMarkdown} from './streamed-markdown.mjs';

/**
 * Shows a message. `actions` has the functions of buttons: edit(message, text),
 * regenerate(message), proceed(message).
 */
export class MessageView {
  #message;
  #actions;
  #content = make('div', {className: 'content'});
  #footer = make('div', {className: 'message-foot'});
  #markdown = null;

  constructor(message, actions) {
    this.#message = message;
    this.#actions = actions;
    this.element = make(
        'article', {className: `message ${message.role}`, 'aria-label':
                    message.role === 'user' ? 'You' : 'Answer'},
        ...this.#files(), this.#content, this.#footer);
    this.#showContent();
  }

  get message() {
    return this.#message;
  }

  /** Shows new text. */
  append(text) {
    this.#markdown?.append(text);
  }

  /**
   * Shows everything besides the text. `running`: the message is being written;
   * `busy`: some message is; `last`: no message follows.
   */
  update({running, busy, last}) {
    const message = this.#message;
    this.element.classList.toggle('running', running);
    // The answer is continued.
    if (running && this.#markdown?.finished)
      this.#showContent();
    this.#footer.replaceChildren();
    if (message.error)
      this.#footer.append(make('p', {className: 'error', role: 'alert'},
                               message.error));
    if (message.finish === 'length')
      this.#footer.append(make('p', {className: 'note'},
                               'The answer reached its limit of tokens.'));
    const row = make('div', {className: 'row'}, make('span', {
      className: 'stats'}, describe(message, running)));
    if (!running) {
      row.prepend(...this.#buttons(busy, last));
      this.#markdown?.finish();
    }
    this.#footer.append(row);
  }

  /** Updates only the numbers, during an answer. */
  updateStats() {
    const stats = this.#footer.querySelector('.stats');
    if (stats)
      stats.textContent = describe(this.#message, true);
  }

  destroy() {
    this.#markdown?.destroy();
  }

  #files() {
    return (this.#message.files ?? []).map((file) => make(
        'details', {className: 'file'}, make('summary', {}, file.name),
        make('pre', {tabIndex: 0}, file.text)));
  }

  #showContent() {
    this.#markdown?.destroy();
    this.#content.replaceChildren();
    if (this.#message.role === 'user') {
      this.#content.textContent = this.#message.content;
      return;
    }
    this.#markdown = new StreamedMarkdown(this.#content);
    this.#markdown.append(this.#message.content);
  }

  #buttons(busy, last) {
    const message = this.#message;
    const copy = makeButton('Copy', () => copyText(message.content, copy));
    if (busy)
      return [copy];
    const buttons = [copy, makeButton('Edit', () => this.edit())];
    if (message.role === 'assistant') {
      buttons.push(makeButton('Regenerate',
                              () => this.#actions.regenerate(message)));
      if (last && message.content !== '')
        buttons.push(makeButton('Continue',
                                () => this.#actions.proceed(message)));
    }
    return buttons;
  }

  /** Turns the text into a field. */
  edit() {
    const area = make('textarea', {
      value: this.#message.content, 'aria-label': 'Text of the message',
      rows: Math.min(16, this.#message.content.split('\n').length + 1)});
    const end = () => {
      form.replaceWith(this.#content);
      this.#footer.hidden = false;
      this.#footer.querySelector('button')?.focus();
    };
    const submit = () => {
      const text = area.value;
      end();
      this.#actions.edit(this.#message, text);
      this.#showContent();
      this.#markdown?.finish();
    };
    const form = make(
        'form', {className: 'edit', on: {
          submit: (event) => { event.preventDefault(); submit(); },
          keydown: (event) => {
            if (event.key === 'Escape') {
              event.stopPropagation();
              end();
            } else if (event.key === 'Enter' && event.ctrlKey) {
              submit();
            }
          },
        }},
        area, make('div', {className: 'row end'}, makeButton('Cancel', end),
                   make('button', {type: 'submit', className: 'primary'},
                        this.#message.role === 'user' ? 'Send' : 'Save')));
    this.#content.replaceWith(form);
    this.#footer.hidden = true;
    area.focus();
  }
}

/** Speed and counts of an answer as a line. */
function describe(message, running) {
  const stats = message.stats;
  if (message.role !== 'assistant')
    return '';
  if (!stats)
    return running ? 'reading the prompt …' : '';
  const parts = [];
  if (stats.generated !== undefined)
    parts.push(`${stats.generated} token${stats.generated === 1 ? '' : 's'}`);
  if (stats.perSecond)
    parts.push(`${stats.perSecond.toFixed(1)} tokens/s`);
  if (stats.prompt !== undefined) {
    const cached = stats.cached ? ` (${stats.cached} reused)` : '';
    parts.push(`prompt ${stats.prompt}${cached}`);
  }
  if (message.finish === 'stopped')
    parts.push('stopped');
  return parts.join(' · ');
}
