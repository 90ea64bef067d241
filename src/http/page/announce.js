/**
 * What a screen reader says by itself: seldom, and only the last of what happened meanwhile, since
 * a page that talks all the time is switched off.
 */

/** No more often than this. */
const everyMs = 5_000;

/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let waiting = '';
let saidAt = Number.NEGATIVE_INFINITY;

/**
 * Says a sentence as soon as nothing else was said for a while.
 *
 * @param {string} text
 */
export function announce(text) {
  waiting = text;
  clearTimeout(timer);
  timer = setTimeout(say, Math.max(200, saidAt + everyMs - performance.now()));
}

function say() {
  const region = document.getElementById('announcements');
  if (region === null) return;
  saidAt = performance.now();
  region.textContent = waiting;
}
