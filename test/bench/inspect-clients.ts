import { setTimeout as elapse } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { createWebSocketReceiver } from '@statelyai/inspect';

/**
 * People who look at an operator, in a thread of their own: viewers of `/debug/inspect`, and some who
 * search all actors. Says once that all viewers see something, and how much they saw when asked.
 */
const { viewers, searchUrl, searchers } = workerData as LookingPeople;

/** Who is there. */
export interface LookingPeople {
  /** URLs of `/debug/inspect`. */
  readonly viewers: readonly string[];
  readonly searchUrl: string;
  readonly searchers: number;
}

/** A person who types asks that often, ms. */
const typingMs = 100;

let frames = 0;
const seeing = viewers.map(
  (server) =>
    new Promise<void>((resolve) => {
      createWebSocketReceiver({ server }).subscribe(() => {
        frames += 1;
        resolve();
      });
    }),
);
await Promise.all(seeing);
for (let person = 0; person < searchers; person += 1) void search(person);
parentPort?.on('message', () => parentPort?.postMessage(frames));
parentPort?.postMessage(0);

async function search(person: number): Promise<never> {
  for (let word = 0; ; word += 1) {
    await (await fetch(`${searchUrl}?q=${person}${word % 100}`)).text();
    await elapse(typingMs);
  }
}
