import { parentPort, workerData } from 'node:worker_threads';
import { createWebSocketReceiver } from '@statelyai/inspect';

/** Viewers of `test/bench/inspect.ts`: say once that all of them see something, and how much when asked. */
let frames = 0;
const seeing = (workerData as readonly string[]).map(
  (server) =>
    new Promise<void>((resolve) => {
      createWebSocketReceiver({ server }).subscribe(() => {
        frames += 1;
        resolve();
      });
    }),
);
await Promise.all(seeing);
parentPort?.on('message', () => parentPort?.postMessage(frames));
parentPort?.postMessage(0);
