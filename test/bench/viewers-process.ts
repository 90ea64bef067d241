import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request, WebSocket } from 'undici';

/**
 * Ten people with every view of the page open, frames of all tracked images beside it, and ten who
 * type a search: a process of its own, so that whoever measures is not held up. Ends when its standard
 * input does.
 */
const [, , debugUrl = ''] = process.argv;
const people = 10;
const viewEveryMs = 2_000;
const keyEveryMs = 300;
/** A browser opens six connections at most; two of them stay open for streams. */
const connections = 3;
const views = [
  'overview',
  'map',
  'timeline',
  'decisions',
  'pods',
  'actors',
  'what-if?registry=docker.io',
];

let asked = 0;
let failed = 0;
process.stdin.resume();
process.stdin.once('end', () => {
  process.stdout.write(`${JSON.stringify({ asked, failed })}\n`, () => process.exit(0));
});
for (let person = 0; person < people; person += 1) {
  void look(new Agent({ connections }));
  void search(new Agent({ connections: 1 }));
  void follow();
  watchFrames();
}

async function look(dispatcher: Agent): Promise<void> {
  for (;;) {
    await Promise.all(views.map((view) => ask(view, dispatcher)));
    await delay(viewEveryMs);
  }
}

async function search(dispatcher: Agent): Promise<void> {
  for (let key = 0; ; key += 1) {
    await ask(`actors?q=app-${Math.floor(Math.random() * 1_000)}${key % 10}`, dispatcher);
    await delay(keyEveryMs);
  }
}

/** 503 is an answer: somebody else is asked first. */
async function ask(view: string, dispatcher: Agent): Promise<void> {
  asked += 1;
  try {
    const { statusCode, body } = await request(`${debugUrl}/debug/${view}`, { dispatcher });
    await body.dump({ limit: 64 * 1024 * 1024 });
    if (statusCode !== 200 && statusCode !== 503) failed += 1;
  } catch {
    failed += 1;
  }
}

async function follow(): Promise<void> {
  const { body } = await request(`${debugUrl}/debug/events`, { dispatcher: new Agent() });
  body.resume();
}

function watchFrames(): void {
  const url = `${debugUrl.replace('http', 'ws')}/debug/inspect?type=tracked-image`;
  const socket = new WebSocket(url);
  socket.addEventListener('message', () => {});
  socket.addEventListener('error', () => {
    failed += 1;
  });
}
