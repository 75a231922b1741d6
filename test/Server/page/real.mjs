// real.mjs - The page of the server itself: what it sends is understood.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// real.mjs SERVE MODEL TEMPLATE

import assert from 'node:assert/strict';
import {test} from 'node:test';

import {useBrowser} from './browser.mjs';
import {RealServer} from './real-server.mjs';

const {withTab} = useBrowser(new RealServer(...process.argv.slice(2)));

test('an answer is sent, stopped and kept', withTab({}, async (tab) => {
  const {page, server} = tab;
  const set = async (name, value) => {
    await page.click('#open-settings');
    await page.fill(`#set-${name}`, value);
    await page.click('#settings button.primary');
  };
  await set('max_tokens', '20');
  await page.fill('#text', 'Who are you?');
  await page.click('#send');
  await tab.settled();
  assert.equal(await server.metric('sherry_generated_tokens_total'), 20);
  const [question, answer] = await tab.texts();
  assert.equal(question, 'Who are you?');
  assert.ok(answer.length > 10, answer);
  assert.match(await page.locator('.assistant .stats').innerText(),
               /^20 tokens/);

  // An answer that nobody would wait for.
  await page.route('**/v1/chat/completions', (route) => route.continue({
    postData: JSON.stringify({...route.request().postDataJSON(), n: 16,
                              max_tokens: 2000, ignore_eos: true})}));
  await page.fill('#text', 'Tell me all.');
  await page.click('#send');
  await page.waitForFunction(
      () => document.querySelectorAll('.assistant .content')[1]?.innerText);
  await page.click('#stop');
  await tab.settled();
  assert.match(await page.locator('.assistant .stats').last().innerText(),
               /stopped/);
  while (await server.metric('sherry_requests_running') > 0)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(await server.requests('/v1/chat/completions', 200), 1);
  assert.equal(await server.requests('/v1/chat/completions', 499), 1);
  assert.ok(await server.metric('sherry_generated_tokens_total') < 16 * 2000);

  const texts = await tab.texts();
  assert.ok(texts[3].length > 0);
  await page.reload();
  await page.waitForSelector('body[data-ready]');
  await tab.settled();
  assert.deepEqual(await tab.texts(), texts);
}));
