// units.mjs - The parts of the page that need no browser.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import assert from 'node:assert/strict';
import {test} from 'node:test';

// Node 18 has it under another name.
globalThis.crypto ??= (await import('node:crypto')).webcrypto;
const page = '../../../tools/sherry-serve/page/';
const {textWithFiles} = await import(page + 'attachments.mjs');
const {cutBlock, cutLimit, hardLimit} = await import(page + 'cut.mjs');
const {languageOf} = await import(page + 'languages.mjs');
const {isValid, samplingFields} = await import(page + 'settings.mjs');
const {EventParser, readEvents} = await import(page + 'sse.mjs');
const {exportText, importText} = await import(page + 'transfer.mjs');

const stream = ': ping\r\ndata: {"a": "é"}\n\nevent: x\ndata:two\rdata: lines\r\r' +
    'id: 1\n\ndata:\n\ndata: [DONE]\r\n\r\ndata: cut off';
const expected = ['{"a": "é"}', 'two\nlines', '', '[DONE]'];

test('events are the same however their text is cut', () => {
  for (let i = 0; i <= stream.length; ++i) {
    for (let j = i; j <= stream.length; ++j) {
      const parser = new EventParser();
      const events = [stream.slice(0, i), stream.slice(i, j), stream.slice(j)]
          .flatMap((text) => parser.push(text));
      assert.deepEqual(events, expected, `cut at ${i} and ${j}`);
    }
  }
});

test('events are the same however their bytes are cut', async () => {
  const bytes = new TextEncoder().encode(stream);
  for (let size = 1; size <= bytes.length; ++size) {
    const body = new ReadableStream({
      start(controller) {
        for (let i = 0; i < bytes.length; i += size)
          controller.enqueue(bytes.slice(i, i + size));
        controller.close();
      },
    });
    const events = [];
    for await (const event of readEvents(body))
      events.push(event);
    assert.deepEqual(events, expected);
  }
});

test('leaving the events early cancels the stream', async () => {
  let cancelled = false;
  const body = new ReadableStream({
    pull: (controller) =>
      controller.enqueue(new TextEncoder().encode('data: 1\n\n')),
    cancel() { cancelled = true; },
  });
  for await (const event of readEvents(body)) {
    assert.equal(event, '1');
    break;
  }
  assert.ok(cancelled);
});

test('a long paragraph is cut before a word, outside of emphasis', () => {
  const plain = 'word '.repeat(cutLimit / 10);
  const strong = `**${'strong '.repeat(cutLimit / 7)}**`;
  const raw = plain + strong;
  const token = {type: 'paragraph', tokens: [
    {type: 'text', raw: plain}, {type: 'strong', raw: strong}]};
  const [front, rest] = cutBlock(token, raw);
  assert.equal(front + rest, raw);
  assert.match(front, /word $/);
  assert.ok(rest.startsWith('word ') && rest.includes(strong));
  assert.equal(cutBlock(token, raw.slice(0, cutLimit - 1)), null);
});

test('a cut does not part the halves of a character', () => {
  const raw = '𠀀'.repeat(cutLimit);
  for (const odd of ['', 'x']) {
    const cut = cutBlock({type: 'paragraph', tokens: [
      {type: 'text', raw: odd + raw}]}, odd + raw);
    assert.equal(cut.join(''), odd + raw);
    for (const part of cut)
      assert.ok(!/[\ud800-\udbff]$/.test(part) && !/^[\udc00-\udfff]/.test(part));
  }
});

test('what cannot be cut well is cut once it is very long', () => {
  const token = {type: 'paragraph', tokens: [{type: 'codespan', raw: ''}]};
  const emoji = '🍷'.repeat(hardLimit / 2);
  assert.equal(cutBlock(token, emoji.slice(0, cutLimit)), null);
  for (const raw of [emoji + emoji, `x${emoji}${emoji}`]) {
    const [front, rest] = cutBlock(token, raw);
    assert.equal(front + rest, raw);
    assert.match(front, /[\udc00-\udfff]$/);
  }
});

test('a long table is cut with its head on both sides', () => {
  const head = '| a | b |\n|---|---|\n';
  const rows = Array.from({length: 800}, (_, i) => `| ${i} | x |\n`);
  const [front, rest] = cutBlock({type: 'table'}, head + rows.join(''));
  assert.ok(front.startsWith(head) && rest.startsWith(head));
  assert.equal(front + rest.slice(head.length), head + rows.join(''));
});

test('code in a long item goes on as code', () => {
  const raw = '1. x\n\n   ```cpp\n' + '   line;\n'.repeat(2 * cutLimit);
  const [front, rest] = cutBlock({type: 'list', items: [{raw}]}, raw);
  assert.ok(rest.startsWith('   ```cpp\n   line;\n'));
  assert.equal(front + rest.slice('   ```cpp\n'.length), raw);
});

test('items within a long item go on as items', () => {
  const raw = '1. x\n' + '    - item\n      more\n'.repeat(hardLimit / 16);
  const [front, rest] = cutBlock({type: 'list', items: [{raw}]}, raw);
  assert.ok(raw.startsWith(front));
  assert.match(rest, /^(- item\n| {0,2}more\n)+$/);
});

test('long indented code goes on as code', () => {
  const raw = '    line;\n'.repeat(hardLimit / 8);
  const [front, rest] = cutBlock({type: 'code'}, raw);
  assert.ok(rest.startsWith('    line;\n'));
  assert.equal(front + rest, raw);
});

test('files are fenced by more marks than they have', () => {
  assert.equal(textWithFiles({content: 'hi'}), 'hi');
  assert.equal(
      textWithFiles({content: 'hi', files: [{name: 'a', text: '```'},
                                            {name: 'b', text: 'x\n'}]}),
      'File a:\n````\n```\n````\n\nFile b:\n```\nx\n```\n\nhi');
});

test('an import has only what is known, under ids of its own', () => {
  const id = 'a'.repeat(32);
  const conversation = {
    id, title: 't', created: 1, updated: 2, system: 's', extra: 1,
    messages: [{role: 'assistant', content: 'c', finish: 'stop', extra: 2,
                stats: {prompt: 3, generated: 'x'}}]};
  const [same] = importText(exportText([conversation]), () => false);
  assert.deepEqual(same, {
    id, title: 't', created: 1, updated: 2, system: 's',
    messages: [{role: 'assistant', content: 'c', finish: 'stop',
                stats: {prompt: 3}}]});
  const [other] = importText(exportText([conversation]), () => true);
  assert.notEqual(other.id, id);
  for (const messages of [[{role: 'tool', content: ''}], [{role: 'user'}],
                          [null], ['x'], 3]) {
    assert.throws(() => importText(exportText([{messages}]), () => false),
                  /^Error: Conversation 1/);
  }
});

test('settings outside of their range are not sent', () => {
  const field = (name) => samplingFields.find((one) => one.name === name);
  assert.ok(isValid(field('temperature'), 0.7));
  assert.ok(!isValid(field('temperature'), -0.1));
  assert.ok(!isValid(field('top_k'), 1.5));
  assert.ok(!isValid(field('seed'), NaN));
  assert.ok(!isValid(field('seed'), '1'));
});

test('languages have the names that models write', () => {
  assert.equal(languageOf('C++'), 'cpp');
  assert.equal(languageOf('py'), 'python');
  assert.equal(languageOf('constructor'), null);
});
