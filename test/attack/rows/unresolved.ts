import { setTimeout as delay } from 'node:timers/promises';
import type { AttackRow } from '#test/attack/attack-row.ts';
import { type AttackStage, equalPlaces, podOf } from '#test/attack/attack-stage.ts';

/**
 * Look-ups that stay without an answer, as far as this machine's resolver leaves them so, beside the
 * first connection to a registry that is a name, too.
 */
export function unresolved(id: string, attack: string, who: string, count: number): AttackRow {
  const run = async (stage: AttackStage, times: number) => {
    const hosts = Array.from(
      { length: Math.min(count * times, 32) },
      (_, n) => `dead-${n}.example.com`,
    );
    await stage.declare(
      'ReplicatedImageSet',
      `${stage.namespace}/dead`,
      equalPlaces('/dead', hosts),
    );
    const healthy = stage.healthy.map(({ host }) => host.replace('127.0.0.1', 'localhost'));
    await stage.declare(
      'ReplicatedImageSet',
      `${stage.namespace}/named`,
      equalPlaces('/named', healthy),
    );
    await delay(500);
    const dead = hosts.map((host) => stage.review(podOf([`${host}/dead/app:1`])));
    await delay(50);
    const { candidates } = await stage.explain(`${healthy[0]}/named/app:1`);
    await Promise.all(dead);
    return candidates[0]?.status === 'Available' ? [] : ['a healthy registry was held up'];
  };
  return { id, attack, who, run };
}
