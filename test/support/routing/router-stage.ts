import { FairTurns } from '#actors/fair-turns.ts';
import type {
  ProbeAnswer,
  ProbeReport,
  Registries,
  RegistryProbe,
} from '#actors/registries/registries.ts';
import { Router, type RouterOptions } from '#actors/routing/router.ts';
import type { Runtime } from '#actors/runtime.ts';
import type { SecretPlacer } from '#actors/secrets/secret-placer.ts';
import type { KuikResource } from '#api/kinds.ts';
import { CancellationSource } from '#core/cancellation.ts';
import { formatReference } from '#core/image/reference.ts';
import type { MaybePromise } from '#core/maybe-promise.ts';
import type { PodAdmission } from '#core/pod.ts';
import type { ProbeOutcome } from '#core/probe.ts';
import type { AdmissionAnswer } from '#core/routing/admission.ts';
import type { RoutingPolicy } from '#core/routing/policy.ts';
import { compileTable } from '#core/routing/table.ts';
import { type SecretAnswer, type SecretName, secretNameText } from '#core/secret.ts';
import type { EventNote } from '#kube/events.ts';
import { createLog } from '#telemetry/log.ts';
import { settled } from '#test/support/registries/registries-stage.ts';
import { defaultRoutingPolicy } from '#test/support/routing/default-policy.ts';
import { createTestRuntime } from '#test/support/time/test-runtime.ts';

/** What one image is for one who asks. */
export interface ImagePlan {
  readonly kind: ProbeOutcome['kind'];
  /** Never answers without. */
  readonly afterMs?: number;
  /** User names that are let in, others are `InvalidAuth`; without, everybody is. */
  readonly users?: readonly string[];
}

/** The world in which a router routes. */
export interface RouterStageOptions {
  readonly resources?: readonly KuikResource[];
  readonly policy?: Partial<RoutingPolicy>;
  readonly timeoutMs?: number;
  /** By image in full form; what is not there is `NotFound` at once. */
  readonly images?: Readonly<Record<string, ImagePlan>>;
  /** What was answered a moment ago, by image in full form. */
  readonly remembered?: Readonly<Record<string, ImagePlan>>;
  /** Hosts that are set aside until somebody insists. */
  readonly aside?: readonly string[];
  readonly trusted?: readonly string[];
  /** By `namespace/name`; what is not there is missing. */
  readonly secrets?: Readonly<Record<string, SecretAnswer>>;
  /** What they hold when they are read again. */
  readonly renewed?: Readonly<Record<string, SecretAnswer>>;
  readonly placeSecret?: SecretPlacer['place'];
  /** Why the Pod's service account allows no pull secret to be added. */
  readonly objection?: string;
  /** Who hears of copies that are gone. */
  readonly lostCopies?: NonNullable<RouterOptions['lostCopies']>;
  /** Remembers reviews for people who look. */
  readonly record?: NonNullable<RouterOptions['record']>;
  /** Asks the registries by another way, on the stage's own time. */
  readonly registries?: (runtime: Runtime) => Pick<Registries, 'probe' | 'recall' | 'isTrusted'>;
}

/** A Secret that opens registries for a user whose password is the same word. */
export function pullSecret(
  key: string,
  hosts: string | readonly string[],
  user: string,
): Record<string, SecretAnswer> {
  const [namespace = '', name = ''] = key.split('/');
  const entries = [hosts].flat().map((host) => [host, { username: user, password: user }]);
  const auths = Object.fromEntries(entries);
  return {
    [key]: {
      kind: 'found',
      isCopy: false,
      secret: {
        namespace,
        name,
        type: 'kubernetes.io/dockerconfigjson',
        data: { '.dockerconfigjson': JSON.stringify({ auths }) },
      },
    },
  };
}

const silent = createLog({ level: 'silent', format: 'json' });
/** How finely simulated time goes on: a divisor of every delay that a test names. */
const stepMs = 10;
/** A review that has not ended by then never will. */
const reviewMsMax = 60_000;

/** A router over registries and Secrets that do as planned, on simulated time. */
export function startRouter(options: RouterStageOptions) {
  const runtime = { ...createTestRuntime(), log: silent };
  const { clock } = runtime;
  const asked: string[] = [];
  const placed: string[] = [];
  const read: string[] = [];
  const notes: EventNote[] = [];
  const { images = {}, aside = [], trusted = [], secrets = {}, remembered = {} } = options;

  const probe = (
    { reference, credentials }: RegistryProbe,
    signal: AbortSignal,
    { insist = false }: { readonly insist?: boolean } = {},
  ): Promise<ProbeReport> => {
    if (aside.includes(reference.registry) && !insist) {
      return Promise.resolve({ kind: 'SetAside', message: 'it is down' });
    }
    const image = formatReference(reference);
    const users = credentials.map(({ username }) => username);
    asked.push([image, ...users].join(' '));
    const plan: ImagePlan = images[image] ?? { kind: 'NotFound', afterMs: 0 };
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve({ kind: 'Abandoned' }), { once: true });
      if (plan.afterMs !== undefined) clock.after(plan.afterMs, () => resolve(answer(plan, users)));
    });
  };

  const recall = ({ reference, credentials }: Pick<RegistryProbe, 'reference' | 'credentials'>) => {
    const plan = remembered[formatReference(reference)];
    const users = credentials.map(({ username }) => username);
    return plan === undefined ? undefined : { ...answer(plan, users), remembered: true };
  };

  const readSecret = async (name: SecretName): Promise<SecretAnswer> => {
    const text = secretNameText(name);
    read.push(text);
    return secrets[text] ?? { kind: 'missing' };
  };
  const readAgain = async (name: SecretName): Promise<SecretAnswer> =>
    options.renewed?.[secretNameText(name)] ?? (await readSecret(name));
  const place: SecretPlacer['place'] = async ({ source, owner, namespace, dryRun }) => {
    placed.push(`${dryRun ? 'dry ' : ''}${namespace}/${source.name} of ${owner.name}`);
    return { ok: true, value: `kuik-${source.name}-0` };
  };

  const router = new Router({
    turns: new FairTurns(),
    owners: { isThere: async () => true },
    runtime,
    table: () => table,
    policy: { ...defaultRoutingPolicy, ...options.policy },
    registries: options.registries?.(runtime) ?? {
      probe,
      recall,
      isTrusted: (host) => trusted.includes(host),
    },
    secrets: {
      reader: { read: readSecret, readAgain },
      placer: { place: options.placeSecret ?? place },
      accounts: { objection: async () => options.objection },
    },
    events: { record: (note) => notes.push(note) },
    timeoutMs: options.timeoutMs ?? 1_000,
    resolveDigest: false,
    ...(options.lostCopies !== undefined && { lostCopies: options.lostCopies }),
    ...(options.record !== undefined && { record: options.record }),
  });
  const table = compileTable(options.resources ?? []);

  /** Lets time go on until this has come; says how long that took, too. */
  const drive = async <T>(coming: MaybePromise<T>): Promise<{ value: T; tookMs: number }> => {
    const startedMs = clock.now();
    let hasCome = false;
    const watched = Promise.resolve(coming).finally(() => {
      hasCome = true;
    });
    for (await settled(); !hasCome; await settled()) {
      if (clock.now() - startedMs > reviewMsMax) throw new Error('Expected an answer, got none.');
      clock.advance(stepMs);
    }
    return { value: await watched, tookMs: clock.now() - startedMs };
  };

  /** One review. */
  const admit = async (
    admission: PodAdmission,
  ): Promise<AdmissionAnswer & { readonly tookMs: number }> => {
    const { value, tookMs } = await drive(router.admit(admission, new CancellationSource()));
    return { ...value, tookMs };
  };

  return { router, admit, drive, clock, asked, placed, read, notes };
}

function answer({ kind, users }: ImagePlan, given: readonly string[]): ProbeAnswer {
  const index = users === undefined ? 0 : given.findIndex((user) => users.includes(user));
  const isIn = users === undefined || index >= 0;
  const outcome = { kind: isIn ? kind : 'InvalidAuth', message: kind, cause: 'answer' };
  const isNamed = isIn && given.length > 0;
  return {
    kind: 'Answered',
    outcome: outcome as ProbeOutcome,
    ms: 0,
    remembered: false,
    ...(isNamed && { credentialIndex: index }),
  };
}
