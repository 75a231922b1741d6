// api.mjs - Requests to the server.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import {readEvents} from './sse.mjs';

/** An error of the server, or of the connection, instead of an answer. */
export class ApiError extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status; // of HTTP; 0: no response
  }
}

const keyName = 'sherry-api-key';

/** The API key; it lives as long as the tab. */
export function apiKey() {
  return sessionStorage.getItem(keyName) ?? '';
}

export function setApiKey(key) {
  if (key)
    sessionStorage.setItem(keyName, key);
  else
    sessionStorage.removeItem(keyName);
}

/** The server's answer to `GET path`, which is relative to the page. */
export async function getJson(path) {
  return (await request(path, {})).json();
}

/**
 * Yields the chunks of a streamed chat completion. Throws an ApiError if the
 * server refuses, fails on the way, or ends without `[DONE]`; an AbortError once
 * `signal` is aborted.
 */
export async function* streamChat(body, signal) {
  const response = await request('v1/chat/completions', {
    method: 'POST',
    body: JSON.stringify(body),
    signal,
  });
  try {
    for await (const data of readEvents(response.body)) {
      if (data === '[DONE]')
        return;
      const chunk = parseChunk(data);
      if (chunk.error)
        throw new ApiError(messageOf(chunk) ?? 'The server failed.');
      yield chunk;
    }
  } catch (error) {
    throw readable(error);
  }
  throw new ApiError('The connection ended before the answer did.');
}

function parseChunk(data) {
  try {
    const chunk = JSON.parse(data);
    if (chunk !== null && typeof chunk === 'object')
      return chunk;
  } catch {
    // Reported below.
  }
  throw new ApiError('The server sent an event that is not a JSON object.');
}

async function request(path, options) {
  const headers = {};
  if (options.body)
    headers['Content-Type'] = 'application/json';
  if (apiKey())
    headers.Authorization = `Bearer ${apiKey()}`;
  let response;
  try {
    response = await fetch(path, {
      ...options,
      headers,
      cache: 'no-store',
      credentials: 'same-origin',
      redirect: 'error',
    });
  } catch (error) {
    throw readable(error);
  }
  if (!response.ok)
    throw await refusal(response);
  return response;
}

/** `error` as an error that can be shown; an AbortError stays unchanged. */
function readable(error) {
  if (error instanceof ApiError || error.name === 'AbortError')
    return error;
  return new ApiError('The server does not answer. Is it still running?');
}

async function refusal(response) {
  let message = null;
  try {
    message = messageOf(await response.json());
  } catch {
    // Not from the server itself, but for example a proxy's page.
  }
  if (response.status === 401)
    message ??= 'The server needs an API key.';
  const wait = response.headers.get('Retry-After');
  if (wait && (response.status === 429 || response.status === 503))
    message = `${message ?? 'The server is busy.'} Try again in ${wait} s.`;
  return new ApiError(message ?? `The server answered ${response.status}.`,
                      response.status);
}

function messageOf(answer) {
  const message = answer?.error?.message;
  return typeof message === 'string' ? message : null;
}
