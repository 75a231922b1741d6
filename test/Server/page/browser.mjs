// browser.mjs - Chromium with the page in it, for the tests.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import assert from 'node:assert/strict';
import {after, before, beforeEach} from 'node:test';
import {chromium} from 'playwright-core';

import {MockServer} from './mock-server.mjs';

/** Whatever the page must never do, as it happened. */
function watch(page, server, problems) {
  // The console tells of violations of the policy, too. It also tells of
  // answers like 401, which are tested.
  page.on('console', (message) => {
    if (message.type() === 'error' &&
        !message.text().startsWith('Failed to load resource'))
      problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`exception: ${error.message}`));
  page.on('dialog', (dialog) => {
    problems.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url) &&
        !request.url().startsWith('blob:' + server.url))
      problems.push(`request: ${request.url()}`);
  });
}

/** The page in a fresh profile, and what is done on it. */
class Tab {
  constructor(page, server, problems) {
    this.page = page;
    this.server = server;
    this.problems = problems;
  }

  async load() {
    await this.page.goto(this.server.url);
    await this.page.waitForSelector('body[data-ready]');
  }

  /** Sends `text`, and waits for the end of the answer. */
  async ask(text, ...answers) {
    this.server.answers.push(...answers);
    await this.page.fill('#text', text);
    await this.page.click('#send');
    await this.settled();
  }

  /** Waits until no answer comes and all is rendered. */
  async settled(timeout = 120000) {
    await this.page.waitForFunction(
        () => document.querySelector('#stop').hidden &&
            !document.querySelector('[aria-busy=true], .running'),
        null, {timeout});
  }

  /** Texts of the messages, in order. */
  texts() {
    return this.page.$$eval('.message .content',
                            (all) => all.map((one) => one.innerText.trim()));
  }

  button(name) {
    return this.page.locator('.message').last().getByRole(
        'button', {name, exact: true});
  }
}

function makeMockServer() {
  const folder = process.env.SHERRY_PAGE;
  assert.ok(folder, 'SHERRY_PAGE must name a folder of sherry-dump-page');
  return new MockServer(folder);
}

/**
 * Registers hooks of node:test that start `server` and Chromium once, and give
 * each test a fresh profile. Returns an object whose `open(options)` makes a
 * Tab, with options of a browser context. A test fails if its page had problems.
 */
export function useBrowser(server = makeMockServer()) {
  const state = {server, browser: null};
  before(async () => {
    await state.server.start();
    state.browser = await chromium.launch({
      executablePath: process.env.SHERRY_CHROMIUM ?? '/usr/bin/chromium',
      // The sandbox does not start for root; the pages are this folder's.
      args: process.getuid() === 0 ? ['--no-sandbox'] : [],
    });
  });
  after(async () => {
    await state.browser?.close();
    await state.server?.stop();
  });
  beforeEach(() => state.server.reset?.());
  state.open = async (options = {}) => {
    const context = await state.browser.newContext(options);
    const page = await context.newPage();
    const problems = [];
    watch(page, state.server, problems);
    const tab = new Tab(page, state.server, problems);
    await tab.load();
    return tab;
  };
  /** Runs `body` with a tab. */
  state.withTab = (options, body) => async () => {
    const tab = await state.open(options);
    try {
      await body(tab);
      assert.deepEqual(tab.problems, []);
    } finally {
      await tab.page.context().close();
    }
  };
  return state;
}

/** Puts a picture into the folder SHERRY_SCREENSHOTS, if that is set. */
export async function screenshot(tab, name) {
  const folder = process.env.SHERRY_SCREENSHOTS;
  if (folder)
    await tab.page.screenshot({path: `${folder}/${name}.png`});
}
