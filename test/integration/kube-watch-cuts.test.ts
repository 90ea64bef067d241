import { expect, test } from 'vitest';
import { isWatch } from '#test/support/api-server/api-proxy.ts';
import { startWatchStage, type WatchStage } from '#test/support/api-server/watch-stage.ts';
import { eventually } from '#test/support/time/eventually.ts';

const cuts = 50;
const workers = 4;

/** Creates, changes and deletes until told to stop; answers with each write of each object. */
async function writeUntil(
  stopped: () => boolean,
  stage: WatchStage,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const written = new Map<string, string[]>();
  const work = async (worker: number) => {
    for (let turn = 0; !stopped(); turn += 1) {
      const name = `map-${worker}-${turn}`;
      const versions = [await stage.create(name)];
      versions.push(await stage.change(name, '2'), await stage.change(name, '3'));
      // One in three stays.
      if (turn % 3 !== 0) {
        await stage.remove(name);
        versions.push('deleted');
      }
      written.set(`${stage.namespace}/${name}`, versions);
    }
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  return written;
}

/** The same of what the store told. */
function toldOf({ told }: WatchStage): ReadonlyMap<string, readonly string[]> {
  const heard = new Map<string, string[]>();
  for (const change of told) {
    const versions = heard.get(change.key) ?? [];
    // What comes first adds; what comes after a deletion would have to add again.
    const isFirst = versions.length === 0 || versions.at(-1) === 'deleted';
    expect(change.kind === 'added').toBe(isFirst);
    versions.push(change.kind === 'deleted' ? 'deleted' : change.value.version);
    heard.set(change.key, versions);
  }
  return heard;
}

test('a watch that is cut fifty times under load loses nothing and tells each change once', async () => {
  const stage = await startWatchStage();
  let done = false;
  const writing = writeUntil(() => done, stage);
  for (let cut = 0; cut < cuts; cut += 1) {
    const before = stage.told.length;
    await eventually('a watch is open and told something', () => {
      return stage.proxy.watches.open().length > 0 && stage.told.length > before;
    });
    expect(stage.proxy.watches.cut()).toBe(1);
    await eventually('the watch is gone', () => stage.proxy.watches.open().length === 0, {
      everyMs: 1,
    });
  }
  done = true;
  const written = await writing;
  await eventually('the store is what the API server lists', async () => {
    const there = await stage.listed();
    expect(new Map([...there.keys()].map((key) => [key, stage.store.get(key)]))).toEqual(there);
    expect(stage.store.size()).toBe(there.size);
    return true;
  });
  expect(toldOf(stage)).toEqual(written);
  const { length } = stage.proxy.requests().filter(isWatch);
  expect(length).toBeGreaterThan(cuts);
  // No list was needed: each watch went on where the last one was cut.
  expect(stage.phases.filter(({ phase }) => phase === 'Listing')).toHaveLength(1);
});
