// settings.mjs - The user's settings, and their fields in requests.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

/**
 * Fields of a request. Empty ones are not sent, so that the server's own
 * defaults hold.
 */
export const samplingFields = [
  {name: 'temperature', label: 'Temperature', min: 0, max: 2, step: 0.05,
   hint: '0 takes the likeliest token always'},
  {name: 'top_p', label: 'Top p', min: 0, max: 1, step: 0.01,
   hint: 'the likeliest tokens whose probabilities reach this sum'},
  {name: 'top_k', label: 'Top k', min: 0, max: 100000, step: 1,
   hint: 'the number of likeliest tokens to choose from; 0: all'},
  {name: 'min_p', label: 'Min p', min: 0, max: 1, step: 0.01,
   hint: 'tokens at least this share as likely as the likeliest'},
  {name: 'repetition_penalty', label: 'Repetition penalty', min: 0.01, max: 10,
   step: 0.01, hint: 'above 1: repeats are less likely'},
  {name: 'presence_penalty', label: 'Presence penalty', min: -2, max: 2,
   step: 0.05, hint: 'for tokens that occur in the text'},
  {name: 'frequency_penalty', label: 'Frequency penalty', min: -2, max: 2,
   step: 0.05, hint: 'for each occurrence in the text'},
  {name: 'max_tokens', label: 'Most tokens', min: 1, max: 10000000, step: 1,
   hint: 'of an answer'},
  {name: 'seed', label: 'Seed', min: 0, max: Number.MAX_SAFE_INTEGER, step: 1,
   hint: 'the same seed gives the same answer'},
];

const storageName = 'sherry-settings';
const themes = ['system', 'light', 'dark'];

/** {sampling: {name: number}, system: string, theme: string} */
export function loadSettings() {
  let stored = null;
  try {
    stored = JSON.parse(localStorage.getItem(storageName));
  } catch {
    // Damaged settings count as none.
  }
  const sampling = {};
  for (const field of samplingFields) {
    const value = stored?.sampling?.[field.name];
    if (isValid(field, value))
      sampling[field.name] = value;
  }
  return {
    sampling,
    system: typeof stored?.system === 'string' ? stored.system : '',
    theme: themes.includes(stored?.theme) ? stored.theme : 'system',
  };
}

export function saveSettings(settings) {
  localStorage.setItem(storageName, JSON.stringify(settings));
}

/** Whether the server would accept `value` in `field`. */
export function isValid(field, value) {
  return Number.isFinite(value) && value >= field.min && value <= field.max &&
      (field.step !== 1 || Number.isInteger(value));
}

/** Shows the page in its theme. */
export function applyTheme(theme) {
  document.documentElement.dataset.theme = theme;
}
