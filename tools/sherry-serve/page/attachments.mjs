// attachments.mjs - Text files that go with a message.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

const largestFile = 1 << 20; // bytes; no model here reads more

/** Reads a file of the user. Throws an Error with a reason if it cannot. */
export async function readTextFile(file) {
  if (file.size > largestFile)
    throw new Error(`${file.name} is larger than 1 MiB.`);
  let text;
  try {
    text = new TextDecoder('utf-8', {fatal: true})
        .decode(await file.arrayBuffer());
  } catch {
    throw new Error(`${file.name} is not text in UTF-8.`);
  }
  if (text.includes('\0'))
    throw new Error(`${file.name} is not text.`);
  return {name: file.name, text};
}

/** The text of a message for the model: its files, then its text. */
export function textWithFiles(message) {
  const parts = (message.files ?? []).map((file) => {
    // A fence that does not occur in the text.
    const longest = Math.max(
        2, ...[...file.text.matchAll(/`+/g)].map((marks) => marks[0].length));
    const fence = '`'.repeat(longest + 1);
    return `File ${file.name}:\n${fence}\n${file.text.replace(/\n?$/, '\n')}` +
        fence;
  });
  return [...parts, message.content].join('\n\n');
}
