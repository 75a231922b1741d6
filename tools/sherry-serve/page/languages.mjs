// languages.mjs - The languages whose code is coloured, and their other names.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CMakeLists.txt embeds one file of highlight.js for each line of the table.

const namesOf = {
  bash: ['sh', 'zsh', 'console'],
  cmake: [],
  cpp: ['c', 'cc', 'c++', 'cxx', 'h', 'hpp', 'cuda'],
  cs: ['csharp', 'c#'],
  css: [],
  diff: ['patch'],
  dockerfile: ['docker'],
  go: ['golang'],
  haskell: ['hs'],
  http: [],
  ini: ['toml'],
  java: [],
  javascript: ['js', 'jsx', 'mjs', 'cjs'],
  json: ['jsonc'],
  kotlin: ['kt'],
  llvm: ['mlir'],
  lua: [],
  makefile: ['make', 'mk'],
  markdown: ['md'],
  objectivec: ['objc'],
  perl: ['pl'],
  php: [],
  powershell: ['ps1'],
  python: ['py', 'python3'],
  r: [],
  ruby: ['rb'],
  rust: ['rs'],
  scala: [],
  scss: [],
  shell: ['shellsession'],
  sql: [],
  swift: [],
  tex: ['latex'],
  typescript: ['ts', 'tsx'],
  x86asm: ['asm', 'nasm'],
  xml: ['html', 'svg', 'xhtml'],
  yaml: ['yml'],
};

const languages = new Map();
for (const [language, others] of Object.entries(namesOf)) {
  for (const name of [language, ...others])
    languages.set(name, language);
}

/** The language of a code block with the name `name`, or null. */
export function languageOf(name) {
  return languages.get(name.toLowerCase()) ?? null;
}
