// markdown.mjs - Markdown as safe nodes.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import {defaults, Lexer, Parser, Renderer, Tokenizer} from './lib/marked.js';
import DOMPurify from './lib/purify.js';

/** Raw HTML is shown as text. */
class PlainTokenizer extends Tokenizer {
  html() {}
  tag() {}
}

class SafeRenderer extends Renderer {
  code(code, info) {
    const language = (info ?? '').match(/^[\w+#.-]+/)?.[0] ?? '';
    return `<pre><code class="language-${escapeHtml(language)}">` +
        `${escapeHtml(code)}</code></pre>\n`;
  }

  link(href, title, text) {
    const safe = safeAddress(href);
    return safe ? `<a href="${escapeHtml(safe)}">${text}</a>` : text;
  }

  // Loading a picture would show its host that somebody reads the answer.
  image(href, title, text) {
    return this.link(href, title, `[picture: ${text || 'no description'}]`);
  }

  checkbox(checked) {
    return checked ? '☑ ' : '☐ ';
  }

  html(text) {
    return escapeHtml(text);
  }
}

/**
 * A token for the definition of a link, which marked reads without one, so that
 * the `raw` of all blocks is the whole text.
 */
function readDefinition(text, tokens) {
  // Marked appends a definition to the paragraph before it.
  const last = tokens[tokens.length - 1]?.type;
  const found = last !== 'paragraph' && last !== 'text' &&
      this.lexer.tokenizer.def(text);
  if (!found)
    return undefined;
  const {raw, tag, href, title} = found;
  this.lexer.tokens.links[tag] ??= {href, title};
  return {type: 'space', raw};
}

const options = {
  ...defaults,
  gfm: true,
  breaks: true,
  headerIds: false,
  mangle: false,
  tokenizer: new PlainTokenizer(),
  renderer: new SafeRenderer(),
  extensions: {block: [readDefinition]},
};

const allowed = {
  ALLOWED_TAGS: [
    'a', 'blockquote', 'br', 'code', 'del', 'em', 'h1', 'h2', 'h3', 'h4', 'h5',
    'h6', 'hr', 'li', 'ol', 'p', 'pre', 'strong', 'table', 'tbody', 'td', 'th',
    'thead', 'tr', 'ul',
  ],
  ALLOWED_ATTR: ['align', 'class', 'href', 'start'],
  // All values except those of `class` and added ones must match it.
  ALLOWED_URI_REGEXP: /^https?:\/\//i,
  ADD_URI_SAFE_ATTR: ['align', 'start'],
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};
const allowedInCode = {
  ALLOWED_TAGS: ['span'],
  ALLOWED_ATTR: ['class'],
  ALLOW_ARIA_ATTR: false,
  ALLOW_DATA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

DOMPurify.addHook('afterSanitizeAttributes', (node) => {
  if (node.tagName !== 'A')
    return;
  node.setAttribute('rel', 'noopener noreferrer nofollow');
  node.setAttribute('target', '_blank');
});

function escapeHtml(text) {
  const entities =
      {'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;'};
  return text.replace(/[&<>"']/g, (character) => entities[character]);
}

/** `href` if it is an absolute address of http or https, else null. */
function safeAddress(href) {
  try {
    const url = new URL(href);
    return /^https?:$/.test(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * The blocks of `text` as marked's tokens, whose `raw` together are the text if
 * it went through normalise(). `links` are the references known so far; those
 * of the text are added. Null if the text cannot be parsed, such as for a depth
 * beyond the stack.
 */
export function parseBlocks(text, links) {
  return lexBlocks(links, (lexer) => lexer.lex(text));
}

/**
 * parseBlocks() without what is in the lines of the blocks: much faster. Null
 * is rarer: lines that cannot be parsed do not matter.
 */
export function findBlocks(text, links) {
  return lexBlocks(links, (lexer) => lexer.blockTokens(text));
}

function lexBlocks(links, lex) {
  const lexer = new Lexer(options);
  lexer.tokens.links = links;
  try {
    return lex(lexer);
  } catch {
    return null;
  }
}

/** `text` without CR with its indentation in spaces, as marked has it. */
export function normalise(text) {
  while (/^ *\t/m.test(text))
    text = text.replace(/^( *)\t/gm, '$1    ');
  return text;
}

/** A safe fragment of tokens of parseBlocks(); null: of `text` unchanged. */
export function renderBlocks(tokens, text) {
  try {
    if (tokens)
      return DOMPurify.sanitize(new Parser(options).parse(tokens), allowed);
  } catch {
    // As plain text, then.
  }
  return DOMPurify.sanitize(`<p>${escapeHtml(text)}</p>`, allowed);
}

/** The HTML that highlight.js made of code as a safe fragment. */
export function renderCode(html) {
  return DOMPurify.sanitize(html, allowedInCode);
}
