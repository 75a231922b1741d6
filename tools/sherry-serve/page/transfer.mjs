// transfer.mjs - Conversations to files and back.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import {newId} from './store.mjs';

const format = 'sherry-conversations';
const version = 1;

/** The conversations as the text of a file. */
export function exportText(conversations) {
  return JSON.stringify({format, version, conversations}, null, 1) + '\n';
}

/**
 * The conversations in the text of a file, with new ids if `taken(id)`. Throws
 * an Error with a reason if the file is wrong. Only known fields are read.
 */
export function importText(text, taken) {
  let file;
  try {
    file = JSON.parse(text);
  } catch {
    throw new Error('The file is not in JSON.');
  }
  if (file?.format !== format)
    throw new Error('The file is not an export of conversations.');
  if (file.version !== version)
    throw new Error(`The file has version ${file.version}; this page reads ` +
                    `version ${version}.`);
  if (!Array.isArray(file.conversations))
    throw new Error('The file has no list of conversations.');
  return file.conversations.map((value, i) => {
    const conversation = readConversation(value, `Conversation ${i + 1}`);
    if (taken(conversation.id))
      conversation.id = newId();
    return conversation;
  });
}

function readConversation(value, where) {
  if (!Array.isArray(value?.messages))
    throw new Error(`${where} has no list of messages.`);
  return {
    id: /^[0-9a-f]{32}$/.test(value.id) ? value.id : newId(),
    title: textOr(value.title, ''),
    created: timeOr(value.created),
    updated: timeOr(value.updated),
    system: textOr(value.system, ''),
    messages: value.messages.map(
        (message, i) => readMessage(message, `${where}, message ${i + 1}`)),
  };
}

function readMessage(value, where) {
  if (value?.role !== 'user' && value?.role !== 'assistant')
    throw new Error(`${where} has an unknown role.`);
  if (typeof value.content !== 'string')
    throw new Error(`${where} has no text.`);
  const message = {role: value.role, content: value.content};
  if (Array.isArray(value.files)) {
    message.files = value.files.map((file) => ({
      name: textOr(file?.name, 'file'), text: textOr(file?.text, '')}));
  }
  for (const key of ['finish', 'error']) {
    if (typeof value[key] === 'string')
      message[key] = value[key];
  }
  const stats = Object.entries(value.stats ?? {}).filter(
      ([, number]) => Number.isFinite(number));
  if (stats.length > 0)
    message.stats = Object.fromEntries(stats);
  return message;
}

function textOr(value, otherwise) {
  return typeof value === 'string' ? value : otherwise;
}

function timeOr(value) {
  return Number.isFinite(value) ? value : Date.now();
}
