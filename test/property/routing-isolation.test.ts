import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addRegistries, type RegistryProbe } from '#actors/registries/registries.ts';
import type { Runtime } from '#actors/runtime.ts';
import { KuikSystem } from '#actors/system.ts';
import { CancellationSource } from '#core/cancellation.ts';
import { formatReference } from '#core/image/reference.ts';
import type { ProbeOutcome } from '#core/probe.ts';
import { admissionOf, container } from '#test/support/routing/pods.ts';
import { pullSecret, startRouter } from '#test/support/routing/router-stage.ts';
import {
  containerArbitrary,
  resourcesArbitrary,
  stored,
} from '#test/support/routing/routing-arbitraries.ts';
import type { ModelEntry, ModelResource } from '#test/support/routing/routing-model.ts';

/**
 * Behaviour §3.7 and §2: nothing that was found out for one Pod may leak to another. Many Pods share
 * one process, with all that it joins and remembers; each must come out as from a process of its own.
 */
const hosts = ['docker.io', 'quay.io', 'ghcr.io:5000', 'm.example.com'];
const users = ['ann', 'bob'];

interface Pod {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  readonly policy: 'Always' | 'IfNotPresent';
  readonly namesSecret: boolean;
}

const podArbitrary: fc.Arbitrary<Pod> = fc
  .record({
    namespace: fc.constantFrom('default', 'other', 'third'),
    labels: fc.constantFrom<Pod['labels']>({}, { team: 'a' }, { off: '' }),
    made: containerArbitrary,
    namesSecret: fc.boolean(),
  })
  .map(({ made, ...rest }) => ({ ...rest, ...made }));

const worldArbitrary = fc.record({
  resources: resourcesArbitrary,
  // Few images, so that Pods meet at the same ones.
  pods: fc.array(podArbitrary, { minLength: 2, maxLength: 6 }),
  images: fc.uniqueArray(fc.constantFrom('quay.io/team/app:1', 'team/app', 'quay.io/app'), {
    minLength: 1,
    maxLength: 2,
  }),
  /** Whose each Secret is, by its namespace; all have the same name. */
  owners: fc.tuple(...['default', 'other', 'third'].map(() => fc.constantFrom(...users, ''))),
  /** Who is let in, by a number that each image gets. */
  doors: fc.array(fc.constantFrom('ann', 'bob', 'all', 'nobody'), { minLength: 3, maxLength: 7 }),
});
type World = typeof worldArbitrary extends fc.Arbitrary<infer T> ? T : never;

/** The same door for the same image in every process. */
function doorOf(image: string, doors: readonly string[]): string {
  const number = [...image].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  return doors[number % doors.length] ?? 'nobody';
}

function answerOf({ reference, credentials }: RegistryProbe, doors: World['doors']): ProbeOutcome {
  const door = doorOf(formatReference(reference), doors);
  if (door === 'all') return { kind: 'Available' };
  const credentialIndex = credentials.findIndex(({ username }) => username === door);
  return credentialIndex < 0
    ? { kind: 'InvalidAuth', message: 'not let in' }
    : { kind: 'Available', credentialIndex };
}

/** A process: a router over registries that join and remember as the shipped ones do. */
function startProcess({ resources, owners, doors }: World) {
  const probes: string[] = [];
  let close = () => {};
  const registriesOn = (runtime: Runtime) => {
    const system = new KuikSystem(runtime);
    const registries = addRegistries(system, {
      client: {
        ping: async () => ({ ok: true, value: 200 }),
        manifest: () => Promise.reject(new Error('The test answers for the client.')),
      },
      ...{ pingTimeoutMs: 1_000, treatmentOf: () => ({}) },
      paceOf: () => ({ intervalMs: 10_000, maxPerInterval: 1 }),
      probeImage: async (probe) => {
        probes.push(formatReference(probe.reference));
        await new Promise<void>((resolve) => void runtime.clock.after(20, resolve));
        return answerOf(probe, doors);
      },
    });
    system.start();
    close = () => {
      registries.close();
      system.stop();
    };
    return registries;
  };
  const secrets = ['default', 'other', 'third'].flatMap((namespace, index) => {
    const owner = owners[index];
    if (owner === undefined || owner === '') return [];
    return Object.entries(pullSecret(`${namespace}/pull`, hosts, owner));
  });
  const stage = startRouter({
    resources: stored(resources.map(withSecrets)),
    secrets: Object.fromEntries(secrets),
    registries: registriesOn,
  });
  return { stage, probes, close: () => close() };
}

/** Each entry lends a Secret: its namespace's own, or one that only the vault has. */
function withSecrets(resource: ModelResource): ModelResource {
  const lend = (entry: ModelEntry) => ({
    ...entry,
    credentialSecret: { name: 'pull', namespace: 'other' },
  });
  const { upstreams, mirrors } = resource.spec;
  return {
    ...resource,
    spec: {
      ...resource.spec,
      ...(upstreams && { upstreams: upstreams.map(lend) }),
      ...(mirrors && { mirrors: mirrors.map(lend) }),
    },
  };
}

function reviewOf(pod: Pod, image: string) {
  const { namespace, labels, policy, namesSecret } = pod;
  const spec = {
    containers: [container('app', image, policy)],
    ...(namesSecret && { imagePullSecrets: [{ name: 'pull' }] }),
  };
  return admissionOf({ metadata: { labels }, spec }, { namespace });
}

/** What a Pod gets: its image, its pull secrets, what it is told. */
type Outcome = Pick<
  Awaited<ReturnType<ReturnType<typeof startRouter>['admit']>>,
  'patch' | 'warnings'
>;
const outcomeOf = ({ patch, warnings }: Outcome): Outcome => ({ patch, warnings });

test('a Pod among others comes out as one alone', async () => {
  let shared = 0;
  await fc.assert(
    fc.asyncProperty(worldArbitrary, async (world) => {
      const reviews = world.pods.map((pod, index) =>
        reviewOf(pod, world.images[index % world.images.length] ?? ''),
      );
      const crowd = startProcess(world);
      // All at once, then once more while all is remembered.
      const admit = async () =>
        await Promise.all(
          reviews.map((one) => crowd.stage.router.admit(one, new CancellationSource())),
        );
      const first = (await crowd.stage.drive(admit())).value.map(outcomeOf);
      const again = (await crowd.stage.drive(admit())).value.map(outcomeOf);
      crowd.close();
      let alone = 0;
      for (const [index, review] of reviews.entries()) {
        const own = startProcess(world);
        const expected = outcomeOf(await own.stage.admit(review));
        own.close();
        alone += own.probes.length;
        expect(first[index]).toEqual(expected);
        expect(again[index]).toEqual(expected);
      }
      if (crowd.probes.length < alone) shared += 1;
    }),
    { numRuns: 40 },
  );
  // Or nothing was shared that could have leaked.
  expect(shared).toBeGreaterThan(5);
}, 30_000);
