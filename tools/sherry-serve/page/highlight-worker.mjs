// highlight-worker.mjs - Colours code, away from the page's thread.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import hljs from './lib/highlight.js';

const languages = new Map(); // name: promise of its registration
const states = new Map();    // block: state at the end of its last text

function load(language) {
  if (!languages.has(language)) {
    languages.set(language, import(`./lib/languages/${language}.js`).then(
        (module) => hljs.registerLanguage(language, module.default)));
  }
  return languages.get(language);
}

function highlight(block, language, text) {
  const result = hljs.highlight(language, text, true, states.get(block));
  states.set(block, result.top);
  return result.value;
}

// A message without a request drops the block.
self.onmessage = async ({data: {request, block, language, text}}) => {
  if (request === undefined) {
    states.delete(block);
    return;
  }
  let html = null;
  try {
    await load(language);
    html = highlight(block, language, text);
  } catch {
    // The code stays plain.
  }
  self.postMessage({request, html});
};
