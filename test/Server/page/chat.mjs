// chat.mjs - What a user does with conversations.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';

import {useBrowser} from './browser.mjs';

const browser = useBrowser();
const {withTab} = browser;

test('a message is sent and its answer shown with speed and context',
     withTab({}, async (tab) => {
  await tab.ask('Hello', {pieces: ['Good ', '**day**', '.']});
  assert.deepEqual(await tab.texts(), ['Hello', 'Good day.']);
  assert.equal(await tab.page.locator('.content strong').innerText(), 'day');
  const [request] = tab.server.requests;
  assert.deepEqual(request, {
    model: 'sherry-test-1b', messages: [{role: 'user', content: 'Hello'}],
    stream: true, stream_options: {include_usage: true}});
  assert.equal(await tab.page.locator('.assistant .stats').innerText(),
               '3 tokens · 42.5 tokens/s · prompt 10 (2 reused)');
  assert.equal(await tab.page.locator('#context-text').innerText(),
               '13 of 4096 tokens');
}));

test('a character that arrives in two pieces is whole', withTab({},
     async (tab) => {
  const text = 'Grüße, 世界 🍷';
  await tab.ask('Hi', {pieces: [...text]});
  assert.equal((await tab.texts())[1], text);
}));

test('stop ends the request at the server and keeps the text', withTab({},
     async (tab) => {
  tab.server.answers.push({pieces: ['one ', 'two'], hang: true});
  await tab.page.fill('#text', 'Count');
  await tab.page.press('#text', 'Enter');
  await tab.page.waitForFunction(
      () => document.querySelector('.assistant .content').innerText
          .includes('two'));
  assert.equal(tab.server.running, 1);
  await tab.page.click('#stop');
  await tab.settled();
  const metrics = async () =>
    (await fetch(tab.server.url + 'metrics')).text();
  for (let i = 0; i < 100 && tab.server.running > 0; ++i)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(await metrics(), 'running 0\ncancelled 1\n');
  assert.equal((await tab.texts())[1], 'one two');
  assert.match(await tab.page.locator('.assistant .stats').innerText(),
               /stopped/);
}));

test('continue sends the answer so far and appends', withTab({}, async (tab) => {
  await tab.ask('Count', {pieces: ['one ', 'two'], finish: 'length'});
  assert.match(await tab.page.locator('.assistant').innerText(), /limit/);
  tab.server.answers.push({pieces: [' three']});
  await tab.button('Continue').click();
  await tab.settled();
  assert.deepEqual(await tab.texts(), ['Count', 'one two three']);
  const request = tab.server.requests[1];
  assert.deepEqual(request.messages.at(-1),
                   {role: 'assistant', content: 'one two'});
  assert.equal(request.continue_final_message, true);
  assert.equal(request.add_generation_prompt, false);
}));

test('regenerate replaces the answer', withTab({}, async (tab) => {
  await tab.ask('Hello', {pieces: ['first']});
  tab.server.answers.push({pieces: ['second']});
  await tab.button('Regenerate').click();
  await tab.settled();
  assert.deepEqual(await tab.texts(), ['Hello', 'second']);
  assert.deepEqual(tab.server.requests[1].messages,
                   [{role: 'user', content: 'Hello'}]);
}));

test('an edited question drops what follows and is answered', withTab({},
     async (tab) => {
  await tab.ask('first', {pieces: ['1']});
  await tab.ask('second', {pieces: ['2']});
  tab.server.answers.push({pieces: ['3']});
  await tab.page.locator('.message').first().hover();
  await tab.page.locator('.message').first().getByRole(
      'button', {name: 'Edit'}).click();
  await tab.page.fill('.edit textarea', 'changed');
  await tab.page.getByRole('button', {name: 'Send'}).first().click();
  await tab.settled();
  assert.deepEqual(await tab.texts(), ['changed', '3']);
}));

test('an edited answer is kept and sent with the next question', withTab({},
     async (tab) => {
  await tab.ask('first', {pieces: ['1']});
  await tab.button('Edit').click();
  await tab.page.fill('.edit textarea', '*one*');
  await tab.page.getByRole('button', {name: 'Save'}).first().click();
  await tab.settled();
  assert.equal(await tab.page.locator('.content em').innerText(), 'one');
  await tab.ask('second', {pieces: ['2']});
  assert.equal(tab.server.requests[1].messages[1].content, '*one*');
}));

test('a reload keeps the conversations and the place', withTab({},
     async (tab) => {
  await tab.ask('Older', {pieces: ['A']});
  await tab.page.click('#new');
  await tab.ask('Newer', {pieces: ['B']});
  await tab.page.reload();
  await tab.page.waitForSelector('body[data-ready]');
  await tab.settled();
  assert.deepEqual(await tab.texts(), ['Newer', 'B']);
  const titles = () => tab.page.locator('#conversations .open').allInnerTexts();
  assert.deepEqual(await titles(), ['Newer', 'Older']);
  await tab.page.getByRole('button', {name: 'Older', exact: true}).click();
  await tab.settled();
  assert.deepEqual(await tab.texts(), ['Older', 'A']);
  await tab.page.getByRole('button', {name: 'Delete Older'}).click();
  await tab.page.locator('dialog .danger').click();
  await tab.page.waitForFunction(
      () => document.querySelectorAll('#conversations li').length === 1);
  assert.deepEqual(await titles(), ['Newer']);
}));

test('an answer goes on in the background of another conversation', withTab({},
     async (tab) => {
  const pieces = Array.from({length: 40}, (_, i) => `w${i} `);
  tab.server.answers.push({pieces, pause: 20});
  await tab.page.fill('#text', 'Long');
  await tab.page.press('#text', 'Enter');
  await tab.page.waitForSelector('.assistant p');
  await tab.page.click('#new');
  await tab.ask('Short', {pieces: ['ok']});
  assert.deepEqual(await tab.texts(), ['Short', 'ok']);
  await tab.page.getByRole('button', {name: 'Long', exact: true}).click();
  await tab.settled();
  assert.equal((await tab.texts())[1], pieces.join('').trim());
}));

test('an export can be imported and is the same', withTab({}, async (tab) => {
  await tab.ask('Hello', {pieces: ['Good `day`']});
  const save = async () => {
    const download = tab.page.waitForEvent('download');
    await tab.page.click('#export');
    return JSON.parse(readFileSync(await (await download).path(), 'utf8'));
  };
  const exported = await save();
  assert.equal(exported.conversations[0].messages[1].content, 'Good `day`');
  await tab.page.getByRole('button', {name: 'Delete Hello'}).click();
  await tab.page.locator('dialog .danger').click();
  await tab.page.waitForFunction(
      () => document.querySelectorAll('#conversations li').length === 0);
  await tab.page.setInputFiles('#import-file', {
    name: 'e.json', mimeType: 'application/json',
    buffer: Buffer.from(JSON.stringify(exported))});
  await tab.page.waitForSelector('#conversations li');
  assert.deepEqual(await save(), exported);
}));

test('errors are shown where the answer would be', withTab({}, async (tab) => {
  await tab.ask('a', {status: 400, error: 'The prompt is too long.'});
  assert.equal(await tab.page.locator('.error').innerText(),
               'The prompt is too long.');
  tab.server.answers.push({pieces: ['half'], error: 'The model broke.'});
  await tab.button('Regenerate').click();
  await tab.settled();
  assert.equal(await tab.page.locator('.error').innerText(), 'The model broke.');
  assert.equal((await tab.texts())[1], 'half');
}));

test('a missing API key is asked for and kept for the tab', withTab({},
     async (tab) => {
  tab.server.apiKey = 'secret-key';
  await tab.page.reload();
  await tab.page.waitForSelector('#settings[open]');
  await tab.page.fill('#api-key', 'secret-key');
  await tab.page.press('#api-key', 'Enter');
  await tab.ask('Hello', {pieces: ['Good day']});
  assert.deepEqual(await tab.texts(), ['Hello', 'Good day']);
  const kept = await tab.page.evaluate(() => JSON.stringify(
      [{...localStorage}, {...sessionStorage}]));
  assert.deepEqual(JSON.parse(kept)[1], {'sherry-api-key': 'secret-key'});
  assert.doesNotMatch(JSON.stringify(JSON.parse(kept)[0]), /secret/);
}));

test('settings and system prompt reach the request', withTab({}, async (tab) => {
  const values = {
    temperature: 0.5, top_p: 0.9, top_k: 40, min_p: 0.05,
    repetition_penalty: 1.1, presence_penalty: 0.2, frequency_penalty: -0.3,
    max_tokens: 100, seed: 7};
  await tab.page.click('#open-settings');
  for (const [name, value] of Object.entries(values))
    await tab.page.fill(`#set-${name}`, String(value));
  await tab.page.fill('#system', 'Be brief.');
  await tab.page.click('#settings button.primary');
  await tab.ask('Hello', {pieces: ['Hi']});
  const [request] = tab.server.requests;
  for (const [name, value] of Object.entries(values))
    assert.equal(request[name], value, name);
  assert.deepEqual(request.messages[0], {role: 'system', content: 'Be brief.'});
}));

test('text files go with a message, others do not', withTab({}, async (tab) => {
  await tab.page.setInputFiles('#files', [
    {name: 'a.md', mimeType: 'text/plain', buffer: Buffer.from('x ``` y\n')},
    {name: 'b.bin', mimeType: 'text/plain', buffer: Buffer.from([0xff, 0xfe])},
  ]);
  await tab.page.waitForSelector('#attached li');
  assert.match(await tab.page.locator('#toast').innerText(), /b\.bin is not text/);
  await tab.ask('Read it', {pieces: ['Done']});
  assert.equal(tab.server.requests[0].messages[0].content,
               'File a.md:\n````\nx ``` y\n````\n\nRead it');
  assert.equal(await tab.page.locator('.file summary').innerText(), 'a.md');
}));
