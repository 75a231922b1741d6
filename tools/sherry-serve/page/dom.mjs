// dom.mjs - Short ways to make and find elements.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/**
 * Makes an element. Properties are set, those with a dash as attributes;
 * `on` holds listeners by event. Children are nodes or texts.
 */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value))
        element.addEventListener(event, listener);
    } else if (name.includes('-') || name === 'role') {
      element.setAttribute(name, value);
    } else {
      element[name] = value;
    }
  }
  element.append(...children);
  return element;
}

/** A button with a text. */
export function makeButton(text, onClick, properties = {}) {
  return make('button', {type: 'button', on: {click: onClick}, ...properties},
              text);
}

/** The element of index.html with this id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Puts `text` on the clipboard and says so on the button for a moment. */
export async function copyText(text, button) {
  const label = button.textContent;
  try {
    await writeClipboard(text);
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'Not allowed';
  }
  button.disabled = true;
  setTimeout(() => {
    button.textContent = label;
    button.disabled = false;
  }, 1200);
}

async function writeClipboard(text) {
  if (navigator.clipboard)
    return navigator.clipboard.writeText(text);
  // Pages over http from another machine have no clipboard object.
  const area = make('textarea', {value: text, className: 'offscreen'});
  const focused = document.activeElement;
  document.body.append(area);
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  focused?.focus();
  if (!copied)
    throw new Error('the browser refused to copy');
}

/** Offers `text` as a file to save. */
export function saveFile(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], {type}));
  const link = make('a', {href: url, download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** Shows a message at the bottom for some seconds. */
export function notify(text) {
  const toast = byId('toast');
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(notify.timer);
  notify.timer = setTimeout(() => { toast.hidden = true; }, 5000);
}

/** Resolves to whether the user agrees in a dialog. */
export function confirmAction(question, verb) {
  return new Promise((resolve) => {
    const dialog = make('dialog', {className: 'small'}, make('p', {}, question));
    const close = (answer) => () => {
      dialog.returnValue = answer;
      dialog.close();
    };
    dialog.append(make('div', {className: 'row end'},
                       makeButton('Cancel', close('')),
                       makeButton(verb, close('yes'), {className: 'danger'})));
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
