// sidebar.mjs - The list of conversations.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import {confirmAction, make, makeButton} from './dom.mjs';

/** The title of a conversation. */
export function titleOf(conversation) {
  if (conversation.title !== '')
    return conversation.title;
  const first = conversation.messages.find(
      (message) => message.role === 'user');
  const text = first?.content.trim().replace(/\s+/g, ' ') ||
      first?.files?.[0]?.name || 'New chat';
  return [...text.slice(0, 120)].slice(0, 60).join('');
}

/** Shows the conversations; `actions` has open(id) and remove(id). */
export class Sidebar {
  #list;
  #actions;

  constructor(list, actions) {
    this.#list = list;
    this.#actions = actions;
  }

  show(conversations, current) {
    const focused = this.#list.contains(document.activeElement);
    this.#list.replaceChildren(...conversations.map(
        (conversation) => this.#item(conversation, current)));
    if (focused)
      this.#list.querySelector('[aria-current]')?.focus();
  }

  #item(conversation, current) {
    const title = titleOf(conversation);
    const open = makeButton(title, () => this.#actions.open(conversation.id),
                            {className: 'open', title});
    if (conversation.id === current)
      open.setAttribute('aria-current', 'page');
    const remove = makeButton('×', () => this.#remove(conversation.id, title),
                              {className: 'remove', title: 'Delete',
                               'aria-label': `Delete ${title}`});
    return make('li', {}, open, remove);
  }

  async #remove(id, title) {
    if (await confirmAction(`Delete “${title}”? You cannot undo this.`,
                            'Delete'))
      this.#actions.remove(id);
  }
}
