// speed.mjs - Long answers do not block the page.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import assert from 'node:assert/strict';
import {test} from 'node:test';

import {useBrowser} from './browser.mjs';

const browser = useBrowser();
const {withTab} = browser;

// Those that differ most come slowly, so that the page renders as often as it
// ever does; the others as fast as they come.
const slow = ['mixed blocks', 'one paragraph', 'one code block',
              'one line of code', 'code in a list'];

// Of the processor, not of the clock: other work on the machine does not count.
const longestTask = 50; // milliseconds
const tokens = 10000;

// For the tools of developers, through which the test looks at the page, the
// browser keeps and decodes the body of each answer at its end (Chromium's
// InspectorNetworkAgent). This counts only if it calls the page's code.
const ofTheTools = 'ResponseBodyLoader::DidFinishLoadingBody';

/** The longest tasks of the page's thread while `body` runs, in milliseconds. */
async function measure(tab, body) {
  await browser.browser.startTracing(tab.page, {
    categories: ['toplevel', 'blink', 'devtools.timeline', '__metadata']});
  await body();
  await tab.page.evaluate(() => console.timeStamp('end'));
  const trace = JSON.parse(await browser.browser.stopTracing());
  assert.ok(trace.traceEvents.some((event) => event.name === 'TimeStamp' &&
                                   event.args.data.message === 'end'),
            'the trace has no end');
  const threadOf = (event) => `${event.pid} ${event.tid}`;
  const pages = new Set(trace.traceEvents
      .filter((event) => event.name === 'thread_name' &&
                         event.args.name === 'CrRendererMain')
      .map(threadOf));
  const named = (name) => trace.traceEvents.filter(
      (event) => event.name === name && event.ph === 'X' &&
                 pages.has(threadOf(event)));
  const isIn = (inner, outer) =>
    threadOf(inner) === threadOf(outer) && inner.ts >= outer.ts &&
    inner.ts <= outer.ts + (outer.dur ?? 0);
  // What took no time has no duration. A virtual machine's clock of a thread can
  // run ahead of the clock on the wall.
  const timeOf = (event) => Math.min(event.tdur ?? 0, event.dur ?? 0) / 1000;
  const calls = named('FunctionCall');
  const others = named(ofTheTools)
      .filter((other) => !calls.some((call) => isIn(call, other)));
  const tasks = named('ThreadControllerImpl::RunTask').map((task) =>
    others.filter((other) => isIn(other, task))
        .reduce((rest, other) => rest - timeOf(other), timeOf(task)));
  assert.ok(tasks.filter((time) => time > 0).length > 100,
            'the trace has no tasks with their times of the processor');
  return tasks.sort((a, b) => b - a);
}

/** Letters and digits. */
const lettersOf = (text) => text.match(/[\p{L}\p{N}]/gu);

/** Asserts that `shown` has all of `sent` in order, and little else. */
function assertShown(shown, sent) {
  const letters = lettersOf(shown);
  let found = 0;
  for (const letter of letters)
    found += letter === sent[found];
  assert.equal(found, sent.length, `lost: ${sent.slice(found, found + 40).join('')}`);
  assert.ok(letters.length <= 1.02 * sent.length + 10, 'more is shown than was sent');
}

const words = ('the quick brown fox jumps over a lazy dog while seven wizards ' +
               'write long answers about nothing in particular').split(' ');
const word = (i) => words[(i * 7 + (i >> 3)) % words.length];

/** One piece for each token. */
const answers = {
  'mixed blocks': (i) => {
    switch (i % 100) {
    case 0: return `\n\n## Part ${i}\n\n`;
    case 20: return '\n\n- ';
    case 25: case 30: case 35: return '\n- ';
    case 40: return '\n\n```js\n';
    case 45: case 50: case 55: return ';\n';
    case 60: return '\n```\n\n| a | b |\n|---|---|\n| ';
    case 65: case 75: return ' | ';
    case 70: return ' |\n| ';
    case 80: return ' |\n\n> ';
    case 90: return '\n\n**bold** ';
    default: return `${word(i)} `;
    }
  },
  'one paragraph': (i) => i % 50 === 9 ? `**${word(i)}** ` : `${word(i)} `,
  'one paragraph without spaces': () => '语言',
  'one code block': (i) => i === 0 ? '```cpp\n' :
    i % 12 === 11 ? `; // ${word(i)}\n` : `${word(i)} `,
  'one line of code': (i) => i === 0 ? '```python\n' : `${word(i)}(${i}) `,
  'one list': (i) => i % 15 === 0 ? '\n- ' : `${word(i)} `,
  'one numbered list of paragraphs': (i) =>
    i % 20 === 0 ? `\n\n${i / 20 + 1}. ` : `${word(i)} `,
  'one item of a list': (i) => i === 0 ? '- ' : `${word(i)} `,
  'code in a list': (i) => i === 0 ? '1. See:\n   ```cpp\n   ' :
    i % 12 === 11 ? ';\n   ' : `${word(i)} `,
  'one table': (i) => i === 0 ? '| a | b |\n|---|---|\n' :
    ['| ', `${word(i)} `, '| ', ' |\n'][i % 4],
  'one quote': (i) => i % 15 === 0 ? '\n> ' : `${word(i)} `,
};

function inFives(pieces) {
  const count = Math.ceil(pieces.length / 5);
  return Array.from({length: count},
                    (_, i) => pieces.slice(5 * i, 5 * i + 5).join(''));
}

for (const [name, token] of Object.entries(answers)) {
  test(`${tokens} tokens: ${name}`, withTab({}, async (tab) => {
    const pieces = Array.from({length: tokens}, (_, i) => token(i));
    const answer = slow.includes(name) ? {pieces: inFives(pieces), pause: 1} : {pieces};
    const tasks = await measure(tab, () => tab.ask('Go', answer));
    console.log(`# ${name}: longest tasks ${tasks.slice(0, 3)
        .map((time) => time.toFixed(1)).join(', ')} ms, in all ` +
        `${(tasks.reduce((a, b) => a + b) / 1000).toFixed(1)} s`);
    assert.ok(tasks[0] < longestTask, `a task took ${tasks[0]} ms`);
    if (name === 'one table') {
      const heads = await tab.page.locator('.assistant table > thead').count();
      assert.ok(heads >= 2, `a long table has ${heads} parts`);
    }
    const sent = pieces.join('').replace(/```\w+|^\d+\. /gm, '');
    assertShown((await tab.texts())[1], lettersOf(sent));
  }));
}

/**
 * Renders `pieces`, 25 for each look, as if they came slowly. Returns how many
 * times longer the last looks took than earlier ones. Runs in the page.
 */
async function growth(pieces) {
  const {StreamedMarkdown} = await import('./page/streamed-markdown.mjs');
  const element = document.createElement('div');
  element.className = 'content';
  document.querySelector('#messages').append(element);
  const markdown = new StreamedMarkdown(element);
  const times = [];
  for (let i = 0; i < pieces.length; i += 25) {
    markdown.append(pieces.slice(i, i + 25).join(''));
    const start = performance.now();
    markdown.work(Infinity);
    times.push(performance.now() - start);
    // The colours of code come in between.
    if (times.length % 10 === 0)
      await new Promise((resolve) => setTimeout(resolve));
  }
  markdown.finish();
  const median = (some) => some.sort((a, b) => a - b)[some.length >> 1];
  // The clock has steps of 0.1 ms.
  return (median(times.slice(-80)) + 0.3) / (median(times.slice(40, 120)) + 0.3);
}

for (const [name, token] of Object.entries(answers)) {
  test(`what comes last costs what came first: ${name}`, withTab({},
       async (tab) => {
    const pieces = Array.from({length: tokens}, (_, i) => token(i));
    const ratio = await tab.page.evaluate(growth, pieces);
    console.log(`# ${name}: ${ratio.toFixed(2)} times`);
    assert.ok(ratio < 2.5, `${ratio} times`);
  }));
}
