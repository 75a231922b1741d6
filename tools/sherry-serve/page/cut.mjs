// cut.mjs - Where a long block of markdown is cut while it grows.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A block is rendered again whenever text comes. The front of a long block is
// cut off and rendered only once, so that the cost does not grow with it.

/** Characters of a block that are rendered again and again. */
export const cutLimit = 2000;

/** The same for blocks that cannot be cut well, such as one item of a list. */
export const hardLimit = 12000;
// Characters kept after a cut, so that the rest begins as the same block.
const keptBehind = 400;

/**
 * Cuts the block of `token`, marked's, that is the text `raw`: [front, rest],
 * which are rendered as two blocks of the same kind, or null.
 */
export function cutBlock(token, raw) {
  if (raw.length < cutLimit)
    return null;
  const cut = cutters[token.type]?.(token, raw);
  if (cut && cut[0] !== '')
    return cut;
  return raw.length < hardLimit ? null : cutAnywhere(token, raw);
}

const cutters = {
  paragraph: cutParagraph,
  text: cutParagraph,
  list: cutList,
  table: cutTable,
};

/** Cuts in plain text, not within emphasis, code or a link. */
function cutParagraph(token, raw) {
  let best = 0;
  let start = 0;
  for (const part of token.tokens ?? []) {
    const end = Math.min(start + part.raw.length, raw.length - keptBehind);
    if (part.type === 'text' && end > start)
      best = Math.max(best, lastBreak(raw, start, end));
    start += part.raw.length;
  }
  return [raw.slice(0, best), raw.slice(best)];
}

/** Cuts after the last space before a letter in [start, end), else at `end`. */
function lastBreak(text, start, end) {
  for (let i = end - 1; i > start; --i) {
    if (/\s/.test(text[i - 1]) && /\p{L}/u.test(text[i]))
      return i;
  }
  // A script without spaces.
  const whole = beforeCharacter(text, end);
  return /^\p{L}/u.test(text.slice(whole, whole + 2)) ? whole : start;
}

/** `position`, or one less if it is between two halves of a character. */
function beforeCharacter(text, position) {
  return /^[\udc00-\udfff]/.test(text[position]) ? position - 1 : position;
}

/** Cuts before the last two items. */
function cutList(token, raw) {
  let length = 0;
  for (const item of token.items.slice(0, -2))
    length += item.raw.length;
  return [raw.slice(0, length), raw.slice(length)];
}

/** Cuts before the last rows, and repeats the head. */
function cutTable(token, raw) {
  const lines = raw.split('\n');
  const head = lines.slice(0, 2);
  const kept = lines.splice(-4);
  if (lines.length < 3)
    return null;
  return [lines.join('\n') + '\n', [...head, ...kept].join('\n')];
}

/**
 * Cuts at a line's end; the rest of code is a code block, too. Other lines of a
 * list lose the indentation of their item, by which they would become code.
 */
function cutAnywhere(token, raw) {
  const end = raw.lastIndexOf('\n', raw.length - keptBehind) + 1;
  const cut = end > 0 ? end : beforeCharacter(raw, raw.length - keptBehind);
  const front = raw.slice(0, cut);
  const rest = raw.slice(cut);
  const fence = unclosedFence(front);
  if (fence !== '' || token.type !== 'list')
    return [front, fence + rest];
  const indent = /^ */.exec(rest)[0].length;
  return [front, rest.replace(new RegExp(`^ {0,${indent}}`, 'gm'), '')];
}

/** The line that opens the code block that `text` ends in, or ''. */
function unclosedFence(text) {
  let open = '';
  let marks = '';
  for (const [line, indent, found] of
      text.matchAll(/^( *)(`{3,}|~{3,})[^`\n]*\n/gm)) {
    if (open === '') {
      open = ' '.repeat(Math.min(indent.length, 3)) + line.trimStart();
      marks = found;
    } else if (found.startsWith(marks)) {
      open = '';
    }
  }
  return open;
}
