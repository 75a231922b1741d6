// ===- openai.mjs - OpenAI's own client as a judge -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// openai.mjs SERVE MODEL TEMPLATE
//
// ===----------------------------------------------------------------------===//
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {after, before, test} from 'node:test';
import OpenAI from 'openai';

const [serve, model, template] = process.argv.slice(2);
const messages = [{role: 'user', content: 'Who are you?'}];
const greedy = {model: 'bard', temperature: 0, max_tokens: 8};
let server, client, exited;

before(async () => {
  server = spawn(
      serve,
      [model, '--port', '0', '--slots', '1', '--max-queued', '4', '--alias',
       'bard', '--template', template, '-q'],
      {stdio: ['ignore', 'pipe', 'inherit']});
  exited = new Promise((resolve) => server.on('exit', resolve));
  let text = '';
  for await (const part of server.stdout) {
    text += part;
    if (text.includes('\n'))
      break;
  }
  const baseURL = `${/http:\S+:\d+/.exec(text)[0]}/v1`;
  client = new OpenAI({baseURL, apiKey: 'none'});
});

after(async () => {
  server.kill('SIGTERM');
  assert.equal(await exited, 0);
});

test('models are listed', async () => {
  const names = [];
  for await (const entry of client.models.list())
    names.push(entry.id);
  assert.deepEqual(names, ['bard']);
  assert.equal((await client.models.retrieve('bard')).id, 'bard');
  await assert.rejects(client.models.retrieve('x'), OpenAI.NotFoundError);
});

test('a completion is the same as its stream', async () => {
  const body = {...greedy, prompt: 'First Citizen:'};
  const whole = await client.completions.create(body);
  let text = '';
  for await (const chunk of await client.completions.create(
      {...body, stream: true}))
    text += chunk.choices[0].text;
  assert.equal(text, whole.choices[0].text);
});

test('a chat is the same as its stream', async () => {
  const whole = await client.chat.completions.create({...greedy, messages});
  const stream = client.chat.completions.stream(
      {...greedy, messages, stream_options: {include_usage: true}});
  const final = await stream.finalChatCompletion();
  assert.deepEqual(final.choices[0].message.content,
                   whole.choices[0].message.content);
  assert.equal(final.choices[0].finish_reason, 'length');
  assert.equal((await stream.totalUsage()).completion_tokens, 8);
});

test('choices and log probabilities', async () => {
  const reply = await client.chat.completions.create({
    ...greedy, messages, temperature: 1, seed: 1, n: 4, logprobs: true,
    top_logprobs: 2,
  });
  assert.equal(reply.choices.length, 4);
  for (const {logprobs} of reply.choices) {
    assert.equal(logprobs.content.length, 8);
    assert.equal(logprobs.content[0].top_logprobs.length, 2);
  }
});

test('an answer is parsed by its schema', async () => {
  const reply = await client.chat.completions.parse({
    ...greedy,
    messages,
    max_tokens: 200,
    response_format: {
      type: 'json_schema',
      json_schema: {
        name: 'answer',
        strict: true,
        schema: {
          type: 'object',
          properties: {yes: {type: 'boolean'}},
          required: ['yes'],
          additionalProperties: false,
        },
      },
    },
  });
  assert.equal(typeof JSON.parse(reply.choices[0].message.content).yes,
               'boolean');
});

test('a stream can be aborted', async () => {
  const stream = await client.chat.completions.create(
      {...greedy, messages, max_tokens: 2000, ignore_eos: true, stream: true});
  let count = 0;
  for await (const chunk of stream) {
    assert.equal(chunk.object, 'chat.completion.chunk');
    if (++count === 5)
      break; // which aborts it
  }
  const reply = await client.chat.completions.create({...greedy, messages});
  assert.equal(reply.usage.completion_tokens, 8);
});

test('embeddings come in base64, as the client asks for them', async () => {
  const reply = await client.embeddings.create({model: 'bard', input: ['a', 'b']});
  const norm = Math.hypot(...reply.data[1].embedding);
  assert.ok(Math.abs(norm - 1) < 1e-5, `${norm}`);
});

test('errors are of their kinds', async () => {
  await assert.rejects(
      client.chat.completions.create({...greedy, messages, temperature: -1}),
      (error) => error instanceof OpenAI.BadRequestError &&
          error.param === 'temperature');
  await assert.rejects(
      client.chat.completions.create({...greedy, messages: []}),
      OpenAI.BadRequestError);
});

test('what is refused for now is tried again', async () => {
  const body = {
    ...greedy, messages, max_tokens: 200, ignore_eos: true,
  };
  const many = Array.from({length: 9}, () => client.chat.completions.create(
      body, {maxRetries: 20}));
  const replies = await Promise.all(many);
  for (const reply of replies)
    assert.equal(reply.choices[0].message.content,
                 replies[0].choices[0].message.content);
  const once = Array.from({length: 9}, () => client.chat.completions.create(
      {...body, max_tokens: 1500}, {maxRetries: 0}));
  const results = await Promise.allSettled(once);
  const refused = results.filter((result) => result.status === 'rejected');
  assert.ok(refused.length > 0);
  for (const {reason} of refused)
    assert.ok(reason instanceof OpenAI.RateLimitError, `${reason}`);
});
