/**
 * Hands frames of actors to the inspector that is framed, once it says that it is there; whenever it is
 * loaded anew, from the beginning.
 */

/** @typedef {{ type: string, name?: string, machine?: string, definition?: string, event?: { type: string, count?: number, shown?: number } }} Frame */

const inspector = /** @type {HTMLIFrameElement} */ (document.querySelector('#inspector'));
const status = /** @type {HTMLElement} */ (document.querySelector('#status'));
const losses = /** @type {HTMLElement} */ (document.querySelector('#losses'));
const form = /** @type {HTMLFormElement} */ (document.querySelector('#choose'));
const field = /** @type {HTMLInputElement} */ (document.querySelector('#actor'));

const address = inspector.dataset.address ?? '';
const { origin } = new URL(address);
/** There may be hundreds of frames a second, and a screen reader reads each count aloud. */
const countEveryMs = 1_000;

/** @type {WebSocket | undefined} */
let socket;
let sent = 0;
let lost = 0;
let isCounting = false;
/** Charts by machine: the stream brings each once, an inspector wants one with every actor. */
const charts = new Map();

field.value = new URLSearchParams(location.search).get('actor') ?? '';
form.addEventListener('submit', (event) => {
  event.preventDefault();
  const id = field.value.trim();
  if (id !== '') location.search = `?${new URLSearchParams({ actor: id })}`;
});

if (location.search.length > 1) {
  window.addEventListener('message', hear);
  say(`Waiting for ${origin} to say that it is there.`);
} else {
  say('Nothing is sent: choose an actor.');
}
// Only now: what the framed page says before somebody listens would be lost.
inspector.src = address;

/** @param {MessageEvent} message */
function hear({ source, origin: from, data }) {
  if (source !== inspector.contentWindow || from !== origin) return;
  if (data?.type === '@statelyai.connected') connect();
}

function connect() {
  socket?.close();
  const path = `/debug/inspect${location.search}`;
  const opened = new WebSocket(`${location.origin.replace(/^http/, 'ws')}${path}`);
  socket = opened;
  charts.clear();
  [sent, lost] = [0, 0];
  let isOpen = false;
  opened.addEventListener('open', () => {
    isOpen = true;
    say(`Connected: frames go to ${origin}.`);
  });
  opened.addEventListener('message', ({ data }) => pass(JSON.parse(data)));
  opened.addEventListener('close', async ({ reason }) => {
    if (socket !== opened) return;
    const because = isOpen ? reason : await whyRefused(path);
    const ended = isOpen ? 'The stream ended' : 'The stream was refused';
    say(`${ended}${because === '' ? '' : `: ${because}`}. Load this page again to go on.`);
  });
}

/**
 * A socket that is refused says nothing of why; a plain request for the same does.
 *
 * @param {string} path
 * @returns {Promise<string>}
 */
async function whyRefused(path) {
  try {
    const { error } = await (await fetch(path)).json();
    return error;
  } catch {
    return 'the operator does not answer';
  }
}

/** @param {Frame} frame */
function pass(frame) {
  if (frame.machine !== undefined) {
    if (frame.definition !== undefined) charts.set(frame.machine, frame.definition);
    frame.definition ??= charts.get(frame.machine);
  }
  inspector.contentWindow?.postMessage(frame, origin);
  sent += 1;
  if (frame.event?.type === 'frames.lost') lost += frame.event.count ?? 0;
  if (frame.event?.type === 'actors.left-out') {
    losses.textContent = `More actors were chosen than the ${frame.event.shown} that are shown. `;
  }
  count();
}

function count() {
  if (isCounting) return;
  isCounting = true;
  setTimeout(() => {
    isCounting = false;
    if (socket?.readyState !== WebSocket.OPEN) return;
    const told = lost === 0 ? '' : `, ${lost} lost: there were more than can be watched`;
    say(`Connected: ${sent} frames went to ${origin}${told}.`);
  }, countEveryMs);
}

/** @param {string} text */
function say(text) {
  if (status.textContent !== text) status.textContent = text;
}
