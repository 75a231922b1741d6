// mock-server.mjs - Serves the page as sherry-serve does, with scripted answers.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import {readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {setTimeout as sleep} from 'node:timers/promises';

/**
 * Answers each chat completion with the next of `answers`, an object of
 *   pieces   texts of the deltas,
 *   pause    milliseconds before each (0: none),
 *   hang     after the pieces, nothing comes until the client goes,
 *   finish   finish_reason ("stop"),
 *   error    message of an error event after the pieces,
 *   status   and `error`: the request is refused.
 */
export class MockServer {
  answers = [];
  requests = []; // bodies of chat completions
  apiKey = null;
  running = 0;
  cancelled = 0;
  #files = new Map();
  #policy;
  #server = createServer((request, response) => this.#serve(request, response));

  /** `folder` was written by sherry-dump-page. */
  constructor(folder) {
    const list = JSON.parse(readFileSync(`${folder}/files.json`, 'utf8'));
    this.#policy = list.policy;
    for (const file of list.files) {
      this.#files.set(file.path, {
        ...file, bytes: readFileSync(`${folder}/${file.file}`)});
    }
  }

  get files() {
    return [...this.#files.values()];
  }

  /** Forgets what it was told and asked. */
  reset() {
    this.answers = [];
    this.requests = [];
    this.apiKey = null;
    this.cancelled = 0;
  }

  async start() {
    await new Promise((resolve) =>
      this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.#server.address().port}/`;
  }

  async stop() {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #serve(request, response) {
    const {pathname} = new URL(request.url, 'http://server');
    const file = this.#files.get(pathname);
    if (file)
      return this.#sendFile(request, response, file);
    if (this.apiKey !== null &&
        request.headers.authorization !== `Bearer ${this.apiKey}`)
      return sendError(response, 401, 'The API key is missing or wrong.');
    switch (`${request.method} ${pathname}`) {
    case 'GET /props':
      return sendJson(response, 200, {
        model: 'sherry-test-1b', n_ctx: 4096, slots: 4,
        has_chat_template: true, version: '0.2.0'});
    case 'GET /v1/models':
      return sendJson(response, 200, {
        object: 'list', data: [{id: 'sherry-test-1b', object: 'model'}]});
    case 'GET /metrics':
      response.writeHead(200, {'Content-Type': 'text/plain'});
      return response.end(`running ${this.running}\n` +
                          `cancelled ${this.cancelled}\n`);
    case 'POST /v1/chat/completions':
      return this.#complete(request, response);
    default:
      return sendError(response, 404, `There is no ${pathname}.`);
    }
  }

  #sendFile(request, response, file) {
    const headers = {
      'Content-Type': file.mediaType,
      'Content-Encoding': 'gzip',
      'Content-Security-Policy': this.#policy,
      'Cache-Control': 'no-cache',
      'ETag': file.etag,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
    };
    const known = request.headers['if-none-match'] === file.etag;
    response.writeHead(known ? 304 : 200, headers);
    response.end(known ? undefined : file.bytes);
  }

  async #complete(request, response) {
    const body = JSON.parse(await textOf(request));
    this.requests.push(body);
    const answer = this.answers.shift() ?? {pieces: ['Nothing was scripted.']};
    if (answer.status)
      return sendError(response, answer.status, answer.error);
    ++this.running;
    let gone = false;
    response.on('close', () => {
      --this.running;
      gone = !response.writableFinished;
      this.cancelled += gone ? 1 : 0;
    });
    response.writeHead(200, {'Content-Type': 'text/event-stream'});
    const send = (data) => response.write(`data: ${JSON.stringify(data)}\n\n`);
    const sendChoice = (delta, finish = null) => send({
      object: 'chat.completion.chunk',
      choices: [{index: 0, delta, finish_reason: finish}]});
    sendChoice({role: 'assistant', content: ''});
    response.write(': ping\n\n');
    for (const content of answer.pieces ?? []) {
      if (gone)
        return;
      if (answer.pause)
        await sleep(answer.pause);
      sendChoice({content});
    }
    if (answer.hang)
      return;
    if (answer.error) {
      send({error: {message: answer.error, type: 'server_error', param: null,
                    code: null}});
      return response.end();
    }
    sendChoice({}, answer.finish ?? 'stop');
    send(lastChunk(body, answer.pieces.length));
    response.end('data: [DONE]\n\n');
  }
}

function lastChunk(body, generated) {
  const prompt = 10 * body.messages.length;
  return {
    choices: [],
    usage: {prompt_tokens: prompt, completion_tokens: generated,
            total_tokens: prompt + generated},
    timings: {prompt_n: 8, prompt_per_second: 500, predicted_n: generated,
              predicted_per_second: 42.5, cache_n: 2},
  };
}

async function textOf(request) {
  let text = '';
  request.setEncoding('utf8');
  for await (const piece of request)
    text += piece;
  return text;
}

function sendJson(response, status, value) {
  response.writeHead(status, {'Content-Type': 'application/json'});
  response.end(JSON.stringify(value));
}

function sendError(response, status, message) {
  sendJson(response, status, {
    error: {message, type: 'invalid_request_error', param: null, code: null}});
}
