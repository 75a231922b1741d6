// settings-dialog.mjs - The dialog of the settings.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import {apiKey, setApiKey} from './api.mjs';
import {byId, make} from './dom.mjs';
import {applyTheme, isValid, samplingFields, saveSettings} from './settings.mjs';

/** Lets the user change `settings` and the system prompt of a conversation. */
export class SettingsDialog {
  #dialog = byId('settings');
  #settings;
  #conversation = null;
  #onChange;

  /** Calls `onChange(conversation)` after changes were kept. */
  constructor(settings, onChange) {
    this.#settings = settings;
    this.#onChange = onChange;
    byId('sampling').append(...samplingFields.map(makeField));
    byId('settings-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#keep();
      this.#dialog.close();
    });
    byId('settings-cancel').addEventListener('click',
                                             () => this.#dialog.close());
    byId('settings-reset').addEventListener('click', () => {
      for (const field of samplingFields)
        byId(`set-${field.name}`).value = '';
    });
    // A preview of the theme.
    byId('theme').addEventListener('change',
                                   () => applyTheme(byId('theme').value));
    this.#dialog.addEventListener('close',
                                  () => applyTheme(this.#settings.theme));
  }

  open(conversation, focusOn = null) {
    this.#conversation = conversation;
    for (const field of samplingFields)
      byId(`set-${field.name}`).value = this.#settings.sampling[field.name] ?? '';
    byId('theme').value = this.#settings.theme;
    byId('api-key').value = apiKey();
    byId('system').value = conversation.system;
    byId('system-default').checked =
        conversation.system === this.#settings.system;
    this.#dialog.showModal();
    if (focusOn)
      byId(focusOn).focus();
  }

  #keep() {
    const settings = this.#settings;
    settings.sampling = {};
    for (const field of samplingFields) {
      const text = byId(`set-${field.name}`).value.trim();
      if (text !== '' && isValid(field, Number(text)))
        settings.sampling[field.name] = Number(text);
    }
    settings.theme = byId('theme').value;
    setApiKey(byId('api-key').value.trim());
    this.#conversation.system = byId('system').value;
    if (byId('system-default').checked)
      settings.system = this.#conversation.system;
    saveSettings(settings);
    this.#onChange(this.#conversation);
  }
}

function makeField({name, label, min, max, step, hint}) {
  const id = `set-${name}`;
  return make(
      'div', {className: 'field'}, make('label', {htmlFor: id}, label),
      make('input', {id, type: 'number', min, max, step: step === 1 ? 1 : 'any',
                     placeholder: 'default', inputMode: 'decimal',
                     'aria-describedby': `${id}-hint`}),
      make('small', {id: `${id}-hint`}, hint));
}
