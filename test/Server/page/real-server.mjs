// real-server.mjs - sherry-serve, for the tests.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';

/** A process that serves a model, on a port of its own. */
export class RealServer {
  #process;
  #exited;

  constructor(serve, model, template) {
    this.command = [serve, model, '--port', '0', '--slots', '1', '--template',
                    template, '-q'];
  }

  async start() {
    const [program, ...options] = this.command;
    this.#process = spawn(program, options,
                          {stdio: ['ignore', 'pipe', 'inherit']});
    this.#exited = new Promise((resolve) => this.#process.on('exit', resolve));
    let text = '';
    for await (const part of this.#process.stdout) {
      text += part;
      if (text.includes('\n'))
        break;
    }
    this.url = `${/http:\S+:\d+/.exec(text)[0]}/`;
  }

  async stop() {
    this.#process.kill('SIGTERM');
    assert.equal(await this.#exited, 0);
  }

  async metric(name) {
    const text = await (await fetch(`${this.url}metrics`)).text();
    const line = text.split('\n').find((each) => each.startsWith(`${name} `));
    return line ? Number(line.slice(name.length + 1)) : 0;
  }

  /** How many of a route had a status; 499: the client has left. */
  requests(route, status) {
    return this.metric(
        `sherry_http_requests_total{route="${route}",status="${status}"}`);
  }
}
