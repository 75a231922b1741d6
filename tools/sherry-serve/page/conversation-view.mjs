// conversation-view.mjs - The messages of one conversation, and their scrolling.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import {MessageView} from './message-view.mjs';

// Pixels from the end at which the view still follows an answer.
const nearEnd = 60;
// Milliseconds between two updates of numbers.
const statsInterval = 250;

/** Shows the conversation given to show(). */
export class ConversationView {
  #element;
  #scroller;
  #actions;
  #views = [];
  #follows = true;
  #statsShown = 0;
  #status;

  /** `status` is an element that screen readers speak. */
  constructor(element, scroller, status, actions) {
    this.#element = element;
    this.#scroller = scroller;
    this.#status = status;
    this.#actions = actions;
    scroller.addEventListener('scroll', () => {
      const left = scroller.scrollHeight - scroller.scrollTop -
          scroller.clientHeight;
      this.#follows = left < nearEnd;
    }, {passive: true});
    new ResizeObserver(() => this.#followEnd()).observe(element);
  }

  /** Shows `conversation`; views of messages that it still has are kept. */
  show(conversation, running) {
    const old = new Map(this.#views.map((view) => [view.message, view]));
    this.#views = conversation.messages.map((message) => {
      const view = old.get(message) ?? new MessageView(message, this.#actions);
      old.delete(message);
      return view;
    });
    for (const view of old.values()) {
      view.destroy();
      view.element.remove();
    }
    this.#views.forEach((view, i) => {
      const last = i === this.#views.length - 1;
      if (this.#element.children[i] !== view.element)
        this.#element.insertBefore(view.element, this.#element.children[i]);
      view.update({running: running && last, busy: running, last});
    });
  }

  scrollToEnd() {
    this.#follows = true;
    this.#followEnd();
  }

  /** Shows new text of the last message. */
  append(message, text) {
    const view = this.#views.at(-1);
    if (view?.message !== message)
      return;
    view.append(text);
    const now = performance.now();
    if (now - this.#statsShown > statsInterval) {
      this.#statsShown = now;
      view.updateStats();
    }
  }

  /** Lets a screen reader speak `text`. */
  announce(text) {
    this.#status.textContent = text;
  }

  /** Opens the last question for editing; returns false if there is none. */
  editLast() {
    const view = this.#views.findLast((one) => one.message.role === 'user');
    view?.edit();
    return view !== undefined;
  }

  #followEnd() {
    if (this.#follows)
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }
}
