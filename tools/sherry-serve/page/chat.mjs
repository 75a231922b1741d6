// chat.mjs - Asks for answers and puts them into conversations.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import {ApiError, streamChat} from './api.mjs';
import {textWithFiles} from './attachments.mjs';

// Milliseconds between two saves of an answer that is being generated.
const saveInterval = 2000;

/**
 * Answers that are being generated, at most one for each conversation. Fires
 *   `delta` ({conversation, message, text}) when text came,
 *   `state` ({conversation, message}) when an answer begins or ends.
 */
export class Chat extends EventTarget {
  #store;
  #running = new Map(); // conversation's id: AbortController
  #settings;

  /** `settings()` returns the current settings, at each request. */
  constructor(store, settings) {
    super();
    this.#store = store;
    this.#settings = settings;
  }

  isRunning(id) {
    return this.#running.has(id);
  }

  stop(id) {
    this.#running.get(id)?.abort();
  }

  /** Answers the last message, or continues it if it is an answer. */
  async run(conversation, model) {
    if (this.isRunning(conversation.id))
      return;
    const controller = new AbortController();
    this.#running.set(conversation.id, controller);
    const body = makeRequest(conversation, model, this.#settings());
    const message = answerOf(conversation);
    this.#fire('state', {conversation, message});
    const meter = new Meter(message);
    try {
      await this.#receive(conversation, message, body, controller, meter);
    } catch (error) {
      note(message, error);
    }
    meter.end();
    this.#running.delete(conversation.id);
    // Another tab may have removed it.
    if (this.#store.get(conversation.id))
      await this.#save(conversation);
    this.#fire('state', {conversation, message});
  }

  async #receive(conversation, message, body, controller, meter) {
    let saved = performance.now();
    await this.#save(conversation);
    for await (const chunk of streamChat(body, controller.signal)) {
      meter.take(chunk);
      const choice = chunk.choices?.[0];
      const text = choice?.delta?.content;
      if (typeof text === 'string' && text !== '') {
        message.content += text;
        this.#fire('delta', {conversation, message, text});
      }
      if (typeof choice?.finish_reason === 'string')
        message.finish = choice.finish_reason;
      if (performance.now() - saved > saveInterval) {
        saved = performance.now();
        await this.#save(conversation);
      }
    }
  }

  async #save(conversation) {
    conversation.updated = Date.now();
    try {
      await this.#store.save(conversation);
    } catch (error) {
      this.#fire('unsaved', {error});
    }
  }

  #fire(type, detail) {
    this.dispatchEvent(new CustomEvent(type, {detail}));
  }
}

/** The message that receives the answer. */
function answerOf(conversation) {
  let message = conversation.messages.at(-1);
  if (message.role !== 'assistant') {
    message = {role: 'assistant', content: ''};
    conversation.messages.push(message);
  }
  delete message.finish;
  delete message.error;
  delete message.stats;
  return message;
}

function note(message, error) {
  if (error.name === 'AbortError')
    message.finish = 'stopped';
  else if (error instanceof ApiError)
    message.error = error.message;
  else
    throw error;
}

/** The body of the request for the text after the last message. */
export function makeRequest(conversation, model, settings) {
  const messages = conversation.messages.map((message) => ({
    role: message.role, content: textWithFiles(message)}));
  if (conversation.system.trim() !== '')
    messages.unshift({role: 'system', content: conversation.system});
  const body = {
    model,
    messages,
    stream: true,
    stream_options: {include_usage: true},
    ...settings.sampling,
  };
  if (conversation.messages.at(-1).role === 'assistant') {
    body.continue_final_message = true;
    body.add_generation_prompt = false;
  }
  return body;
}

/** Counts tokens and time of an answer into its `stats`. */
class Meter {
  #message;
  #chunks = 0;
  #start = null;

  constructor(message) {
    this.#message = message;
  }

  take({choices, usage, timings}) {
    const stats = this.#message.stats ??= {};
    if (choices?.[0]?.delta?.content) {
      this.#start ??= performance.now();
      ++this.#chunks;
      // About one token each, until the server counts.
      stats.generated = this.#chunks;
      stats.perSecond = this.#speed();
    }
    if (usage) {
      set(stats, 'prompt', usage.prompt_tokens);
      set(stats, 'generated', usage.completion_tokens);
    }
    if (timings) {
      set(stats, 'perSecond', timings.predicted_per_second);
      set(stats, 'promptPerSecond', timings.prompt_per_second);
      set(stats, 'cached', timings.cache_n);
    }
  }

  end() {
    if (this.#message.stats && !this.#message.stats.perSecond)
      delete this.#message.stats.perSecond;
  }

  #speed() {
    const seconds = (performance.now() - this.#start) / 1000;
    return seconds > 0.2 ? (this.#chunks - 1) / seconds : 0;
  }
}

function set(stats, name, value) {
  if (Number.isFinite(value))
    stats[name] = value;
}
