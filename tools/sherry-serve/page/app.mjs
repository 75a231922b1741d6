// app.mjs - Puts the parts of the page together.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import {ApiError, getJson} from './api.mjs';
import {Chat} from './chat.mjs';
import {Composer} from './composer.mjs';
import {ConversationView} from './conversation-view.mjs';
import {byId, notify, saveFile} from './dom.mjs';
import {applyTheme, loadSettings} from './settings.mjs';
import {SettingsDialog} from './settings-dialog.mjs';
import {Sidebar, titleOf} from './sidebar.mjs';
import {newConversation, Store} from './store.mjs';
import {exportText, importText} from './transfer.mjs';

const settings = loadSettings();
applyTheme(settings.theme);

const store = new Store();
const chat = new Chat(store, () => settings);
const server = {model: '', context: 0}; // as it reports
let current = newConversation(settings.system);

const composer = new Composer({send, stop: () => chat.stop(current.id)});
const sidebar = new Sidebar(byId('conversations'), {open, remove});
const view = new ConversationView(
    byId('messages'), byId('scroller'), byId('status'),
    {edit, regenerate, proceed});
const dialog = new SettingsDialog(settings, (conversation) => {
  if (store.get(conversation.id))
    keep(conversation);
  refreshServer();
});

function refresh() {
  const running = chat.isRunning(current.id);
  sidebar.show(store.list(), current.id);
  view.show(current, running);
  composer.setRunning(running);
  byId('empty').hidden = current.messages.length > 0;
  byId('title').textContent = titleOf(current);
  document.title = current.messages.length > 0 ?
      `${titleOf(current)} – Sherry` : 'Sherry';
  showContext();
}

/** The part of the context that the conversation takes, by its last answer. */
function showContext() {
  const stats = current.messages.findLast((message) => message.stats)?.stats;
  const used = (stats?.prompt ?? 0) + (stats?.generated ?? 0);
  const known = server.context > 0 && stats?.prompt !== undefined;
  byId('context').hidden = !known;
  if (!known)
    return;
  byId('context-meter').value = used / server.context;
  byId('context-text').textContent = `${used} of ${server.context} tokens`;
}

async function keep(conversation) {
  try {
    await store.save(conversation);
  } catch {
    warnUnsaved();
  }
}

function warnUnsaved() {
  notify('The browser has no room left, so the conversation is not stored. ' +
         'Export it, or delete others.');
}

function open(id) {
  if (id === current.id)
    return closeSidebar();
  current = store.get(id) ?? newConversation(settings.system);
  history.replaceState(null, '', store.get(id) ? `#${id}` : location.pathname);
  closeSidebar();
  refresh();
  view.scrollToEnd();
  composer.focus();
}

async function remove(id) {
  chat.stop(id);
  await store.remove(id);
  if (id === current.id)
    open(null);
  else
    refresh();
}

function run() {
  view.scrollToEnd();
  chat.run(current, server.model);
}

function send({content, files}) {
  if (chat.isRunning(current.id))
    return;
  const message = {role: 'user', content};
  if (files.length > 0)
    message.files = files;
  current.messages.push(message);
  history.replaceState(null, '', `#${current.id}`);
  run();
}

/** A changed question is answered again; a changed answer is only kept. */
function edit(message, text) {
  if (!mayChange(message))
    return;
  message.content = text;
  if (message.role === 'assistant') {
    keep(current);
    return;
  }
  cutAfter(message);
  run();
}

function regenerate(message) {
  if (!mayChange(message))
    return;
  cutAfter(message);
  current.messages.pop();
  run();
}

function proceed(message) {
  if (mayChange(message))
    run();
}

/** A field may be open for a message that was removed meanwhile. */
function mayChange(message) {
  if (chat.isRunning(current.id)) {
    notify('An answer is being written; stop it first.');
    return false;
  }
  return current.messages.includes(message);
}

function cutAfter(message) {
  current.messages.length = current.messages.indexOf(message) + 1;
}

chat.addEventListener('delta', ({detail: {conversation, message, text}}) => {
  if (conversation === current)
    view.append(message, text);
});
chat.addEventListener('unsaved', warnUnsaved);
chat.addEventListener('state', ({detail: {conversation, message}}) => {
  refresh();
  if (conversation !== current)
    return;
  if (chat.isRunning(conversation.id))
    view.announce('The answer begins.');
  else
    view.announce(message.error ? '' : 'The answer is complete.');
});
store.addEventListener('change', ({detail: id}) => {
  if (id === current.id && !chat.isRunning(id))
    current = store.get(id) ?? newConversation(settings.system);
  refresh();
});

async function refreshServer() {
  try {
    const props = await getJson('props');
    server.model = String(props.model ?? '');
    server.context = Number(props.n_ctx) || 0;
    byId('model').textContent = server.model;
    byId('version').textContent = [
      server.model, props.version && `Sherry ${props.version}`,
    ].filter(Boolean).join(' · ');
    byId('no-template').hidden = props.has_chat_template !== false;
    showContext();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401)
      dialog.open(current, 'api-key');
    notify(error.message);
  }
}

async function importFile(file) {
  try {
    const conversations =
        importText(await file.text(), (id) => store.get(id) !== undefined);
    for (const conversation of conversations)
      await store.save(conversation);
    notify(`${conversations.length} conversations were imported.`);
  } catch (error) {
    notify(error.message);
  }
  refresh();
}

function openSidebar() {
  document.body.classList.add('menu-open');
  byId('menu').setAttribute('aria-expanded', 'true');
  byId('new').focus();
}

function closeSidebar() {
  document.body.classList.remove('menu-open');
  byId('menu').setAttribute('aria-expanded', 'false');
}

function rename() {
  const dialog = byId('rename');
  byId('rename-text').value = titleOf(current);
  dialog.showModal();
  byId('rename-text').select();
}

function onKey(event) {
  const command = event.ctrlKey || event.metaKey;
  if (event.key === 'Escape' && !document.querySelector('dialog[open]')) {
    if (document.body.classList.contains('menu-open'))
      closeSidebar();
    else
      chat.stop(current.id);
  } else if (command && event.shiftKey && event.key.toLowerCase() === 'o') {
    event.preventDefault();
    open(null);
  } else if (command && event.key === ',') {
    event.preventDefault();
    dialog.open(current);
  } else if (command && event.key === '/') {
    event.preventDefault();
    byId('keys').showModal();
  } else if (event.altKey && event.key === 'ArrowUp') {
    event.preventDefault();
    if (!chat.isRunning(current.id))
      view.editLast();
  }
}

function listen() {
  const onClick = (id, action) => byId(id).addEventListener('click', action);
  onClick('new', () => { open(null); closeSidebar(); composer.focus(); });
  onClick('open-settings', () => dialog.open(current));
  onClick('open-keys', () => byId('keys').showModal());
  onClick('keys-close', () => byId('keys').close());
  onClick('menu', openSidebar);
  onClick('backdrop', closeSidebar);
  onClick('title', rename);
  onClick('rename-cancel', () => byId('rename').close());
  onClick('export', () => saveFile(
      `sherry-${new Date().toISOString().slice(0, 10)}.json`,
      exportText(store.list()), 'application/json'));
  onClick('import', () => byId('import-file').click());
  byId('import-file').addEventListener('change', async (event) => {
    const [file] = event.target.files;
    event.target.value = '';
    if (file)
      await importFile(file);
  });
  byId('rename-form').addEventListener('submit', (event) => {
    event.preventDefault();
    current.title = byId('rename-text').value.trim();
    byId('rename').close();
    if (current.messages.length > 0)
      keep(current);
    refresh();
  });
  document.addEventListener('keydown', onKey);
}

listen();
if (!await store.open())
  notify('The browser stores no conversations; they end with the tab.');
current = store.get(location.hash.slice(1)) ?? current;
refresh();
view.scrollToEnd();
composer.focus();
document.body.dataset.ready = '';
await refreshServer();
