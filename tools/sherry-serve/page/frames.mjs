// frames.mjs - Divides the time of each frame among renderers.
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Milliseconds of a frame, which has 16, for all work together; layout and paint
// of its result take several times as long.
const budget = 3;

/** Workers; the newest comes first, because users look at it. */
const waiting = new Set();
let scheduled = false;

/**
 * Calls `worker.work(deadline)` in the next frames until it returns false.
 * `deadline` is a time of performance.now() at which it should return.
 */
export function requestFrames(worker) {
  waiting.add(worker);
  schedule();
}

/** Removes `worker` from the list. */
export function cancelFrames(worker) {
  waiting.delete(worker);
}

function schedule() {
  if (scheduled)
    return;
  scheduled = true;
  requestAnimationFrame(runFrame);
}

function runFrame() {
  scheduled = false;
  const deadline = performance.now() + budget;
  for (const worker of [...waiting].reverse()) {
    if (!worker.work(deadline))
      waiting.delete(worker);
    if (performance.now() >= deadline)
      break;
  }
  if (waiting.size > 0)
    schedule();
}
