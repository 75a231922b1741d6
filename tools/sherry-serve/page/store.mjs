// store.mjs - Conversations, kept in the browser.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/**
 * @typedef {{name: string, text: string}} TextFile
 * @typedef {{role: 'user'|'assistant', content: string, files?: TextFile[],
 *            finish?: string, error?: string, stats?: object}} Message
 * @typedef {{id: string, title: string, created: number, updated: number,
 *            system: string, messages: Message[]}} Conversation
 */

const databaseName = 'sherry';
const storeName = 'conversations';

/** A new conversation; it is stored by its first save. */
export function newConversation(system = '') {
  const now = Date.now();
  return {id: newId(), title: '', created: now, updated: now, system,
          messages: []};
}

/** randomUUID() exists only over https and on this machine. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * All conversations, in memory and in IndexedDB. Fires `change` with the id as
 * detail when another tab changed one.
 */
export class Store extends EventTarget {
  #conversations = new Map();
  #database = null;
  #channel = new BroadcastChannel('sherry-conversations');

  /** Resolves to false if the browser stores nothing (private windows). */
  async open() {
    try {
      this.#database = await openDatabase();
      for (const conversation of await this.#run('readonly',
                                                 (store) => store.getAll()))
        this.#conversations.set(conversation.id, conversation);
    } catch {
      return false;
    }
    this.#channel.onmessage = ({data}) => this.#reload(data);
    return true;
  }

  /** All conversations, the last used first. */
  list() {
    return [...this.#conversations.values()].sort(
        (a, b) => b.updated - a.updated);
  }

  /** @returns {Conversation|undefined} */
  get(id) {
    return this.#conversations.get(id);
  }

  /** Stores `conversation`; throws if there is no room. */
  async save(conversation) {
    this.#conversations.set(conversation.id, conversation);
    if (!this.#database)
      return;
    await this.#run('readwrite', (store) => store.put(conversation));
    this.#channel.postMessage(conversation.id);
  }

  async remove(id) {
    this.#conversations.delete(id);
    if (!this.#database)
      return;
    await this.#run('readwrite', (store) => store.delete(id));
    this.#channel.postMessage(id);
  }

  async #reload(id) {
    const conversation =
        await this.#run('readonly', (store) => store.get(id));
    if (conversation)
      this.#conversations.set(id, conversation);
    else
      this.#conversations.delete(id);
    this.dispatchEvent(new CustomEvent('change', {detail: id}));
  }

  #run(mode, action) {
    return new Promise((resolve, reject) => {
      const transaction = this.#database.transaction(storeName, mode);
      const request = action(transaction.objectStore(storeName));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  }
}

function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(databaseName, 1);
    request.onupgradeneeded = () =>
        request.result.createObjectStore(storeName, {keyPath: 'id'});
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('another tab blocks it'));
  });
}
