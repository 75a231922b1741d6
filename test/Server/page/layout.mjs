// layout.mjs - The page on screens of all kinds, and by keyboard alone.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';
import {test} from 'node:test';

import {screenshot, useBrowser} from './browser.mjs';

const {withTab} = useBrowser();
const sample = readFileSync(new URL('Inputs/sample.md', import.meta.url),
                            'utf8');
const telephone = {viewport: {width: 360, height: 640}, hasTouch: true,
                   isMobile: true};

/** Nothing but code and tables is wider than the screen. */
async function checkWidth(tab) {
  const [content, screen] = await tab.page.evaluate(
      () => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= screen, `the page is ${content} pixels wide`);
  const cut = await tab.page.evaluate(() => [...document.querySelectorAll(
      'main button, main textarea, .message')].filter((element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && (box.left < 0 || box.right > innerWidth) &&
        !element.closest('pre, table');
  }).map((element) => element.outerHTML.slice(0, 80)));
  assert.deepEqual(cut, []);
}

async function fill(tab) {
  await tab.ask('How do I say hello in C++ and what does it cost?',
                {pieces: [sample]});
  await tab.page.waitForFunction(
      () => document.querySelectorAll('.hljs-keyword').length > 0);
}

for (const [name, options] of [
  ['desktop', {viewport: {width: 1200, height: 800}}],
  ['dark', {viewport: {width: 1200, height: 800}, colorScheme: 'dark'}],
  ['telephone', telephone],
]) {
  test(`the page fits: ${name}`, withTab(options, async (tab) => {
    await checkWidth(tab);
    await screenshot(tab, `${name}-empty`);
    await fill(tab);
    await checkWidth(tab);
    await tab.page.waitForTimeout(200);
    await screenshot(tab, `${name}-end`);
    await tab.page.evaluate(
        () => document.querySelector('#scroller').scrollTo(0, 0));
    await screenshot(tab, `${name}-start`);
    await tab.page.click('#open-settings');
    await checkWidth(tab);
    await screenshot(tab, `${name}-settings`);
  }));
}

test('on a telephone, the list slides in and Enter makes a line', withTab(
    telephone, async (tab) => {
  await tab.page.fill('#text', 'one');
  await tab.page.press('#text', 'Enter');
  await tab.page.keyboard.type('two');
  assert.equal(await tab.page.inputValue('#text'), 'one\ntwo');
  tab.server.answers.push({pieces: ['ok']});
  await tab.page.tap('#send');
  await tab.settled();
  assert.ok(!await tab.page.isVisible('#conversations .open'));
  await tab.page.tap('#menu');
  await tab.page.waitForSelector('#conversations .open', {state: 'visible'});
  await tab.page.waitForTimeout(300);
  await screenshot(tab, 'telephone-list');
  await tab.page.mouse.click(350, 300);
  await tab.page.waitForSelector('#conversations .open', {state: 'hidden'});
}));

test('the theme can be chosen and is kept', withTab({colorScheme: 'light'},
     async (tab) => {
  const background = () => tab.page.evaluate(
      () => getComputedStyle(document.body).backgroundColor);
  const light = await background();
  await tab.page.click('#open-settings');
  await tab.page.selectOption('#theme', 'dark');
  const dark = await background();
  assert.notEqual(dark, light);
  await tab.page.click('#settings-cancel');
  await tab.page.waitForFunction(
      () => document.documentElement.dataset.theme === 'system');
  assert.equal(await background(), light);
  await tab.page.click('#open-settings');
  await tab.page.selectOption('#theme', 'dark');
  await tab.page.click('#settings button.primary');
  await tab.page.reload();
  await tab.page.waitForSelector('body[data-ready]');
  assert.equal(await background(), dark);
}));

test('texts have the contrast that WCAG asks for', async (t) => {
  for (const colorScheme of ['light', 'dark']) {
    await t.test(colorScheme, withTab({colorScheme}, async (tab) => {
      await fill(tab);
      const weak = await tab.page.evaluate(weakTexts);
      assert.deepEqual(weak, []);
    }));
  }
});

/** Texts with a contrast below 4.5 to what is behind them. Runs in the page. */
function weakTexts() {
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = numbers(color).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (; element; element = element.parentElement) {
      const color = getComputedStyle(element).backgroundColor;
      if (numbers(color)[3] !== 0)
        return color;
    }
    return 'rgb(255, 255, 255)';
  };
  const weak = new Set();
  for (const element of document.querySelectorAll('body *')) {
    const hasText = [...element.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== '');
    if (!hasText || !element.checkVisibility())
      continue;
    const pair = [light(getComputedStyle(element).color), light(behind(element))];
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5)
      weak.add(`${element.localName}.${element.className} ${ratio.toFixed(2)}`);
  }
  return [...weak];
}

test('all is done by keyboard alone', withTab({}, async (tab) => {
  const {page, server} = tab;
  const press = (...keys) => keys.reduce(
      (done, key) => done.then(() => page.keyboard.press(key)),
      Promise.resolve());
  /** Presses Tab until the focus is on what matches. */
  const reach = async (selector, key = 'Tab') => {
    for (let i = 0; i < 60; ++i) {
      if (await page.evaluate((s) => document.activeElement.matches(s),
                              selector))
        return;
      await press(key);
    }
    assert.fail(`Tab does not reach ${selector}`);
  };
  // The cursor is in the field from the start.
  server.answers.push({pieces: ['first']});
  await page.keyboard.type('Hello');
  await press('Shift+Enter');
  await page.keyboard.type('there');
  await press('Enter');
  await tab.settled();
  assert.deepEqual(await tab.texts(), ['Hello\nthere', 'first']);
  // Stop.
  server.answers.push({pieces: ['endless'], hang: true});
  await page.keyboard.type('More');
  await press('Enter');
  await page.waitForFunction(
      () => document.body.innerText.includes('endless'));
  await press('Escape');
  await tab.settled();
  assert.equal((await tab.texts())[3], 'endless');
  // Edit the last question.
  server.answers.push({pieces: ['better']});
  await press('Alt+ArrowUp', 'Control+a');
  await page.keyboard.type('Again');
  await press('Control+Enter');
  await tab.settled();
  assert.deepEqual((await tab.texts()).slice(2), ['Again', 'better']);
  // Regenerate, by its button.
  server.answers.push({pieces: ['best']});
  await page.focus('#text');
  await reach('.message:last-child .message-foot button:nth-child(3)',
              'Shift+Tab');
  await press('Enter');
  await tab.settled();
  assert.equal((await tab.texts())[3], 'best');
  // Settings.
  await press('Control+,');
  await reach('#set-seed');
  await page.keyboard.type('42');
  await press('Enter');
  await page.waitForSelector('#settings', {state: 'hidden'});
  // A new conversation, and back to the old one.
  await press('Control+Shift+O');
  assert.deepEqual(await tab.texts(), []);
  await page.keyboard.type('New');
  await press('Enter');
  await tab.settled();
  assert.equal(server.requests.at(-1).seed, 42);
  await reach('#conversations li:nth-child(2) .open', 'Shift+Tab');
  await press('Enter');
  await tab.settled();
  assert.equal((await tab.texts()).length, 4);
  // Delete it.
  await reach('#conversations li:nth-child(2) .remove', 'Shift+Tab');
  await press('Enter');
  await reach('dialog .danger');
  await press('Enter');
  await page.waitForFunction(
      () => document.querySelectorAll('#conversations li').length === 1);
  await press('Control+/');
  await page.waitForSelector('#keys[open]');
  await press('Escape');
  await page.waitForSelector('#keys', {state: 'hidden'});
}));

test('the page is small, and its files are what they should be', withTab({},
     async ({server}) => {
  const total = server.files.reduce((sum, {bytes}) => sum + bytes.length, 0);
  assert.ok(total <= 300000, `the page has ${total} bytes`);
  const paths = server.files.map((file) => file.path);
  assert.deepEqual(paths, [...paths].sort());
  assert.equal(new Set(server.files.map((file) => file.etag)).size,
               paths.length);
  const licences = await (await fetch(server.url + 'licences.txt')).text();
  for (const name of ['node-marked', 'node-dompurify', 'node-highlight.js'])
    assert.match(licences, new RegExp(`^${name}\\n=+\\n`, 'm'));
  for (const file of server.files) {
    const text = await (await fetch(server.url + file.path.slice(1))).text();
    assert.equal(Buffer.byteLength(text), file.size, file.path);
  }
}));
