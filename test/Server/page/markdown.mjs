// markdown.mjs - Markdown of answers: right, the same in any pieces, and harmless.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';

import {useBrowser} from './browser.mjs';

const {withTab} = useBrowser();
const input = (name) =>
  readFileSync(new URL(`Inputs/${name}`, import.meta.url), 'utf8');

/** `text` in pieces of up to `size` characters, of lengths that vary. */
function cut(text, size) {
  const pieces = [];
  for (let i = 0; i < text.length; i += pieces.at(-1).length)
    pieces.push(text.slice(i, i + 1 + (pieces.length * 7) % size));
  return pieces;
}

/** Tags, texts and attributes of the last answer, without colours. */
function structure(tab) {
  return tab.page.evaluate(() => {
    const answer = [...document.querySelectorAll('.assistant .content')].at(-1);
    const copy = answer.cloneNode(true);
    for (const code of copy.querySelectorAll('.code code'))
      code.textContent = code.textContent;
    return copy.innerHTML.replace(
        /\n*(<\/?(?:h\d|p|li|ul|ol|blockquote|table|thead|tbody|tr|div|pre|hr))\b/g,
        '\n$1').trim();
  });
}

test('a sample of all that markdown has', withTab({}, async (tab) => {
  await tab.ask('Go', {pieces: [input('sample.md')]});
  assert.equal(await structure(tab), input('sample.html').trim());
}));

test('pieces do not change what is shown', withTab({}, async (tab) => {
  const text = input('sample.md');
  await tab.ask('Go', {pieces: [text]});
  const whole = await structure(tab);
  for (const [size, pause] of [[1, 0], [5, 2], [40, 15]]) {
    tab.server.answers.push({pieces: cut(text, size), pause});
    await tab.button('Regenerate').click();
    await tab.settled();
    assert.equal(await structure(tab), whole, `pieces of ${size}`);
  }
}));

test('definitions of links are no text, and lose none', withTab({}, async (tab) => {
  const text = 'See [a].\n\n[a]: https://example.com/page\n\nOne [a].\n\nTwo.\n\n' +
      '- x\n\n[b]: <https://example.org/long/path> "Title"\n\nEnd [b].\n';
  for (const [size, pause] of [[text.length, 0], [1, 0], [5, 2], [40, 80]]) {
    await tab.ask('Go', {pieces: cut(text, size), pause});
    const [shown, links] = await tab.page.evaluate(() => {
      const answer = [...document.querySelectorAll('.assistant .content')].at(-1);
      return [answer.textContent.replace(/\s+/g, ' ').trim(),
              [...answer.querySelectorAll('a')].map((link) => link.href)];
    });
    assert.equal(shown, 'See a. One a. Two. x End b.', `pieces of ${size}`);
    const first = 'https://example.com/page';
    assert.deepEqual(links, [first, first, 'https://example.org/long/path']);
  }
}));

test('code is coloured and copied as it was', withTab(
    {permissions: ['clipboard-read', 'clipboard-write']}, async (tab) => {
  const code = 'def f(x):\n\t"""Two\n\n  lines"""\n\treturn x  # <b>';
  await tab.ask('Go', {pieces: cut('```python\n' + code + '\n```\n', 6),
                       pause: 5});
  await tab.page.waitForSelector('.code .hljs-comment');
  assert.equal(await tab.page.locator('.code .hljs-keyword').first().innerText(),
               'def');
  // Its state lives on from line to line.
  assert.match((await tab.page.locator('.code .hljs-string').allInnerTexts())
      .join('|'), /lines"""/);
  await tab.page.locator('.code-head button').click();
  assert.equal(await tab.page.evaluate(() => navigator.clipboard.readText()),
               code);
}));

test('every language can be coloured', withTab({}, async (tab) => {
  const names = tab.server.files
      .map((file) => file.path.match(/languages\/(.*)\.js/)?.[1])
      .filter((name) => name);
  assert.ok(names.length > 30);
  const failures = await tab.page.evaluate(async (all) => {
    const {highlighter} = await import('./page/highlighter.mjs');
    const failed = [];
    for (const name of all) {
      const html = await highlighter.highlight(`test-${name}`, name,
                                               'if "x" 1 # y\n');
      if (html === null)
        failed.push(name);
    }
    return failed;
  }, names);
  assert.deepEqual(failures, []);
}));

test('hostile texts stay texts', withTab({}, async (tab) => {
  const corpus = JSON.parse(input('hostile.json'));
  assert.ok(corpus.length > 40);
  for (const text of corpus)
    await tab.ask('Go', {pieces: cut(text, 9)});
  // What is loaded is rendered at once.
  await tab.page.reload();
  await tab.page.waitForSelector('body[data-ready]');
  await tab.settled();
  const found = await tab.page.evaluate(() => ({
    marks: Object.keys(globalThis).filter((name) => name.startsWith('pwned')),
    tags: [...new Set([...document.querySelectorAll('.content *')]
        .map((element) => element.localName))].sort(),
    attributes: [...new Set([...document.querySelectorAll('.content *')]
        .flatMap((element) => element.getAttributeNames()))].sort(),
    links: [...document.querySelectorAll('.content a')].map((link) => [
      link.protocol, link.rel, link.target].join(' ')),
    ids: [...document.querySelectorAll('.content [id], .content [name]')].length,
  }));
  assert.deepEqual(found.marks, []);
  const harmless = new Set([
    'a', 'blockquote', 'br', 'button', 'code', 'del', 'div', 'em', 'h1', 'h2',
    'h3', 'h4', 'h5', 'h6', 'hr', 'li', 'ol', 'p', 'pre', 'span', 'strong',
    'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul']);
  assert.deepEqual(found.tags.filter((tag) => !harmless.has(tag)), []);
  assert.deepEqual(
      found.attributes.filter((name) => ![
        'align', 'aria-label', 'class', 'href', 'rel', 'start', 'tabindex',
        'target', 'type'].includes(name)), []);
  assert.ok(found.links.length > 0);
  for (const link of found.links)
    assert.match(link, /^https?: noopener noreferrer nofollow _blank$/);
  assert.equal(found.ids, 0);
}));

test('hostile names and imports stay texts', withTab({}, async (tab) => {
  const html = '<img src=x onerror="globalThis.pwned1 = 1">';
  await tab.page.setInputFiles('#files', {
    name: html, mimeType: 'text/plain', buffer: Buffer.from(html)});
  await tab.page.waitForSelector('#attached li');
  await tab.ask(html, {status: 400, error: html});
  await tab.page.setInputFiles('#import-file', {
    name: 'e.json', mimeType: 'application/json',
    buffer: Buffer.from(JSON.stringify({
      format: 'sherry-conversations', version: 1,
      conversations: [{
        id: '"><script>', title: html, system: html, __proto__: {x: 1},
        messages: [{role: 'assistant', content: html, stats: {generated: html},
                    finish: html, error: html}]}],
    }))});
  await tab.page.waitForFunction(
      () => document.querySelectorAll('#conversations li').length === 2);
  await tab.page.locator('#conversations .open:not([aria-current])').click();
  await tab.settled();
  assert.equal(await tab.page.locator(
      'main img, #conversations img, dialog img').count(), 0);
  assert.equal(await tab.page.evaluate(() => globalThis.pwned1), undefined);
  for (const [text, message] of [
    ['{', /not in JSON/], ['{}', /not an export/],
    ['{"format":"sherry-conversations","version":2}', /version 2/],
    ['{"format":"sherry-conversations","version":1,"conversations":[{}]}',
     /Conversation 1 has no list/]]) {
    await tab.page.setInputFiles('#import-file', {
      name: 'e.json', mimeType: 'application/json', buffer: Buffer.from(text)});
    await tab.page.waitForFunction(
        (source) => new RegExp(source).test(
            document.querySelector('#toast').textContent), message.source);
  }
}));
