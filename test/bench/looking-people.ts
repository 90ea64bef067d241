import { Worker } from 'node:worker_threads';
import type { LookingPeople } from './inspect-clients.ts';

/** Starts people who look at an operator; resolves once all viewers see something. */
export async function startLooking(people: LookingPeople) {
  const worker = new Worker(new URL('./inspect-clients.ts', import.meta.url), {
    workerData: people,
  });
  const told = () => new Promise<number>((resolve) => worker.once('message', resolve));
  await told();
  return {
    /** Resolves to the frames that they have seen. */
    stop: async (): Promise<number> => {
      const frames = told();
      worker.postMessage('count');
      const count = await frames;
      await worker.terminate();
      return count;
    },
  };
}
