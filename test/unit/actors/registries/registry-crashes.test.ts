import { describe, expect, test } from 'vitest';
import { idleMs, registriesMax } from '#actors/registries/registries.ts';
import { restartDelayMsMin } from '#core/restart.ts';
import { forever, probeOf, settled } from '#test/support/registries/registries-stage.ts';
import { host, startTurns } from '#test/support/registries/turns-stage.ts';
import { startOfTime } from '#test/support/time/test-runtime.ts';

/** A stage whose registry is suspected; its next background probe crashes the actor. */
async function startSuspected() {
  const stage = startTurns();
  void stage.registries.probe(probeOf(), forever);
  await settled();
  const cause = 'refused' as const;
  await stage.sent[0]?.answer({ kind: 'Unreachable', cause, message: 'refused' });
  return stage;
}

describe('the actor of a registry that crashes', () => {
  test('is in log and metric, is started again, and holds nothing against its registry', async () => {
    const { registries, pings, clock, runtime, actor, health } = await startSuspected();
    expect(registries.reachability(host)).toBe('Suspect');
    await pings[0]?.crash(new Error('undefined is not a function'));
    const crash = { msg: 'an actor crashed', actor: `registry:${host}` };
    expect(runtime.lines()).toContainEqual(expect.objectContaining(crash));
    expect(await runtime.text()).toMatch(/actor_crashes_total\{[^}]*"registry"[^}]*\} 1/);
    expect([actor(), registries.reachability(host)]).toEqual([undefined, 'Closed']);
    expect(health.get(host)).toBeUndefined();
    clock.advance(restartDelayMsMin);
    expect(actor()?.getSnapshot().value).toMatchObject({ reachability: 'Closed', pace: 'Idle' });
  });

  test('comes back with the credentials that must wait', async () => {
    const { registries, sent, pings, clock } = await startSuspected();
    void registries.probe(probeOf('other'), forever, { insist: true });
    await settled();
    const retryAtMs = startOfTime + 20_000;
    await sent[1]?.answer({ kind: 'QuotaExceeded', message: '429', retryAtMs });
    await pings[0]?.crash(new Error('a bug'));
    clock.advance(restartDelayMsMin);
    const third = await registries.probe(probeOf('third'), forever);
    expect(third).toMatchObject({ outcome: { kind: 'QuotaExceeded', retryAtMs } });
    expect(sent).toHaveLength(2);
  });

  test('comes back with its pace, and with the images in line', async () => {
    const { turns, taken, pings, until } = await startSuspected();
    turns.add(host, 'a', {});
    turns.add(host, 'b', {});
    turns.open();
    until(2_000);
    taken[0]?.begin();
    await taken[0]?.end();
    await pings[0]?.crash(new Error('a bug'));
    turns.add(host, 'c', {});
    expect(until(11_999)).toEqual([]);
    expect(until(12_000)).toEqual(['b']);
  });

  test('has used the turn that was being taken', async () => {
    const { turns, taken, pings, until } = await startSuspected();
    turns.add(host, 'a', {});
    turns.add(host, 'b', {});
    turns.open();
    until(2_000);
    await pings[0]?.crash(new Error('a bug'));
    expect(until(2_000 + restartDelayMsMin)).toEqual([]);
    taken[0]?.begin();
    await taken[0]?.end();
    expect(until(11_999)).toEqual([]);
    expect(taken).toHaveLength(1);
  });
});

describe('a registry with images in line', () => {
  test('keeps its actor however long nobody asks it, until the term ends', () => {
    const { turns, registries, until, actor, clock } = startTurns();
    turns.add(host, 'a', { checkedMs: 0 });
    expect(until(10 * idleMs)).toEqual([]);
    expect([registries.hosts(), actor()]).toEqual([[host], expect.anything()]);
    turns.end();
    until(clock.now() + 2 * idleMs);
    expect([registries.hosts(), actor()]).toEqual([[], undefined]);
  });

  test('is remembered when it has lost its actor between two terms', async () => {
    const { turns, taken, begin, until, clock } = startTurns(
      {},
      { paceOf: () => ({ intervalMs: 10 * idleMs, maxPerInterval: 1 }) },
    );
    turns.add(host, 'a', {});
    turns.open();
    until(0);
    taken[0]?.begin();
    await taken[0]?.end();
    turns.end();
    until(3 * idleMs);
    begin();
    turns.add(host, 'a', {});
    turns.open();
    expect(until(10 * idleMs - 1)).toEqual([]);
    expect(until(10 * idleMs)).toEqual(['a']);
    expect(clock.now()).toBe(10 * idleMs);
  });

  test('does not make room for others, who have all theirs', async () => {
    const { turns, registries, sent } = startTurns();
    for (let index = 0; index < registriesMax + 10; index += 1) {
      turns.add(`r${index}.example.com`, 'a', {});
    }
    expect(registries.hosts()).toHaveLength(registriesMax + 10);
    void registries.probe(probeOf(), forever);
    await settled();
    expect(sent).toHaveLength(1);
    expect(registries.hosts()).toContain('r0.example.com');
  });
});
