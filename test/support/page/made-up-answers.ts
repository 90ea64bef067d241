import type { Overview, PodPage, ShownReview, Timeline } from '#core/insight/insight.ts';
import type { RegistryMap } from '#core/insight/registry-map.ts';
import type { Circuit, RegistryView } from '#core/insight/registry-view.ts';
import type { WhatIfReport } from '#core/routing/what-if.ts';

/** A cluster whose registry died twelve minutes ago, as its operator would tell of it. */

const minuteMs = 60_000;
const startMs = Date.now();
/** When docker.io stopped to answer. */
export const outageMinutes = 12;

const time = (minutesAgo: number): string =>
  new Date(startMs - minutesAgo * minuteMs).toISOString().replace(/\.\d+Z$/, 'Z');

function latency(base: number, failingFor = 0): RegistryView['latency'] {
  return Array.from({ length: 58 }, (_, index) => {
    const ago = 58 - index;
    const isFailing = ago <= failingFor;
    const p50Ms = isFailing ? 0 : base + ((index * 7) % 11);
    const p95Ms = isFailing ? 10_000 : base * 2 + ((index * 13) % 40);
    const count = 4 + (index % 9);
    return {
      at: time(ago),
      ...{ count, failed: isFailing ? count : 0, p50Ms, p95Ms, maxMs: p95Ms * 2 },
    };
  });
}

function registry(host: string, over: Partial<RegistryView> = {}): RegistryView {
  return {
    ...{ host, circuit: 'Closed', since: time(3_000), trouble: null, quota: { state: 'Free' } },
    ...{ pace: 'Idle', pods: 0, latency: latency(18) },
    ...over,
  };
}

const registries: readonly RegistryView[] = [
  registry('docker.io', {
    ...{ circuit: 'Open', since: time(outageMinutes), pods: 214 },
    trouble: 'connect ETIMEDOUT 203.0.113.7:443',
    latency: latency(60, outageMinutes),
  }),
  registry('ghcr.io', {
    ...{ circuit: 'Suspect', since: time(0.2), trouble: 'read ECONNRESET', pods: 31 },
    latency: latency(90),
  }),
  registry('quay.io', {
    pods: 88,
    quota: { state: 'Throttled', retryAt: time(-4), message: 'TOOMANYREQUESTS' },
    pace: 'Held',
  }),
  registry('mirror.example.com', { pods: 1_240, latency: latency(4) }),
  registry('registry.example.com:5000', { pods: 12, since: null, latency: [] }),
];

/** `/debug/overview`. */
export const madeUpOverview: Overview & { readonly replica: string } = {
  ...{ replica: 'kuik-0', leader: 'kuik-0', leads: true, at: time(0) },
  attention: [
    {
      ...{ severity: 'error', what: 'docker.io does not answer', since: time(outageMinutes) },
      reason:
        '214 Pods run from it; new ones get what stands in for it, if anything does. The last connection: connect ETIMEDOUT 203.0.113.7:443',
      link: '#/what-if?registry=docker.io',
    },
    {
      ...{ severity: 'error', what: 'Deployment shop/cart could not start on another node' },
      reason: 'docker.io/library/redis:7.2 is Unreachable; Pods that use it: 3',
      ...{ since: null, link: '#/pods?namespace=shop&q=cart' },
    },
    {
      ...{ severity: 'warning', what: 'ghcr.io may be down', since: time(0.2) },
      reason: 'A connection failed; it is being asked whether it is there.',
      link: '#/actors/registry%3Aghcr.io',
    },
    {
      ...{ severity: 'warning', what: 'The quota of quay.io is used up', since: null },
      reason: `It told a credential to wait until ${time(-4)}; others may go on.`,
      link: '#/actors/registry%3Aquay.io',
    },
  ],
  attentionTotal: 4,
  recent: Array.from({ length: 30 }, (_, index) => ({
    at: time(index * 0.7),
    kind: index % 5 === 3 ? ('registry' as const) : ('decision' as const),
    text:
      index % 5 === 3
        ? 'docker.io: HalfOpen → Open'
        : `shop/cart-7d9f-${index}: docker.io/library/redis:7.2 became mirror.example.com/library/redis:7.2`,
    link: index % 5 === 3 ? '#/actors/registry%3Adocker.io' : `#/pods/shop/cart-7d9f-${index}`,
  })),
  ...{ registries, registriesTotal: registries.length },
  images: { Available: 1_204, Unreachable: 31, QuotaExceeded: 4, Scheduled: 2 },
  copies: {
    running: [
      {
        ...{ target: 'mirror.example.com/library', image: 'docker.io/library/postgres:17' },
        ...{ bytesDone: 61_000_000, bytesTotal: 158_000_000, bytesPerSecond: 8_300_000 },
        startedAt: time(0.1),
      },
      {
        ...{ target: 'mirror.example.com/library', image: 'quay.io/prometheus/prometheus:v3' },
        ...{ bytesDone: 400_000, bytesTotal: null, bytesPerSecond: 1_200_000 },
        startedAt: time(0.01),
      },
    ],
    byState: { images: 1_241, mirrored: 1_236, failed: 3 },
  },
};

const mirrorAll = { kind: 'ClusterImageSetMirror', name: 'all-to-mirror' };
const equal = { kind: 'ReplicatedImageSet', namespace: 'shop', name: 'shop-images' };

/** `/debug/map`. */
export const madeUpMap: RegistryMap & { readonly replica: string } = {
  replica: 'kuik-0',
  nodes: registries
    .map(({ host, circuit, since, pods }) => ({
      ...{ host, circuit, since, pods },
      roles: rolesOf(host),
    }))
    .toSorted((left, right) => right.pods - left.pods),
  edges: [
    { from: 'docker.io', to: 'mirror.example.com', by: [mirrorAll] },
    { from: 'ghcr.io', to: 'mirror.example.com', by: [mirrorAll] },
    { from: 'quay.io', to: 'mirror.example.com', by: [mirrorAll] },
    { from: 'docker.io', to: 'registry.example.com:5000', by: [equal] },
  ],
  ...{ nodesTotal: registries.length, edgesTotal: 4 },
};

function rolesOf(host: string): RegistryMap['nodes'][number]['roles'] {
  if (host === 'mirror.example.com') return ['mirror', 'origin'];
  return host === 'registry.example.com:5000' ? ['origin', 'upstream'] : ['origin'];
}

/** One of `/debug/decisions`; the higher the id, the newer. */
export function madeUpReview(id: number, minutesAgo: number): ShownReview {
  const isRewritten = id % 4 !== 0;
  const image = `docker.io/library/redis:7.${id % 3}`;
  const mirrored = `mirror.example.com/library/redis:7.${id % 3}`;
  const by = 'ClusterImageSetMirror/all-to-mirror';
  return {
    ...{ id, at: time(minutesAgo), namespace: id % 2 === 0 ? 'shop' : 'billing', ms: 12 + id },
    ...{ pod: `cart-7d9f-${id}`, owner: 'ReplicaSet/cart-7d9f' },
    containers: [
      {
        ...{ name: 'app', image, winner: isRewritten ? mirrored : image, ms: 12 + id },
        ...{ by: isRewritten ? by : 'original', rewritten: isRewritten },
        reason: isRewritten ? 'OriginalUnreachable' : 'OriginalAvailable',
        message: isRewritten
          ? `${mirrored} is taken, since docker.io does not answer.`
          : 'The original is there.',
        candidates: [
          {
            ...{ image, by: 'original', ms: isRewritten ? 0 : 12 },
            status: isRewritten ? 'SetAside' : 'Available',
          },
          ...(isRewritten ? [{ image: mirrored, by, status: 'Available' as const, ms: 9 }] : []),
        ],
      },
    ],
  };
}

/** `/debug/decisions`. */
export const madeUpDecisions = {
  replica: 'kuik-0',
  decisions: Array.from({ length: 60 }, (_, index) => madeUpReview(60 - index, index * 0.4)),
  forgotten: 0,
};

const change = (minutesAgo: number, from: Circuit, to: Circuit, reason: string) => ({
  ...{ at: time(minutesAgo), from, to, reason },
});

/** `/debug/timeline`. */
export const madeUpTimeline: Timeline & { readonly replica: string } = {
  ...{ replica: 'kuik-0', from: time(60), to: time(0) },
  registries: registries.map(({ host, circuit, latency: minutes }) => ({
    ...{ host, circuit, latency: minutes },
    changes: changesOf(host),
  })),
  rerouted: Array.from({ length: 90 }, (_, index) => ({
    ...{ at: time(outageMinutes - index * 0.12), id: index + 1, namespace: 'shop' },
    ...{ pod: `cart-7d9f-${index}`, from: 'docker.io/library/redis:7.2' },
    to: 'mirror.example.com/library/redis:7.2',
  })),
  buckets: Array.from({ length: 60 }, (_, index) => {
    const ago = 60 - index;
    const rerouted = ago <= outageMinutes ? 8 : 0;
    return {
      at: time(ago),
      ...{ admitted: 10 + (index % 7), rerouted, unserved: ago === outageMinutes ? 3 : 0 },
    };
  }),
};

function changesOf(host: string) {
  if (host === 'docker.io') {
    return [
      change(12.2, 'Closed', 'Suspect', 'connect ETIMEDOUT'),
      change(12, 'Suspect', 'Open', 'connect ETIMEDOUT'),
      change(8, 'Open', 'HalfOpen', ''),
      change(7.8, 'HalfOpen', 'Open', 'connect ETIMEDOUT'),
    ];
  }
  return host === 'ghcr.io' ? [change(0.2, 'Closed', 'Suspect', 'read ECONNRESET')] : [];
}

const workload = (kind: string, name: string, pods: number) => ({
  ...{ kind, name, pods, namespace: 'shop' },
});

/** `/debug/what-if?registry=docker.io`. */
export const madeUpWhatIf: WhatIfReport & { readonly replica: string } = {
  ...{ replica: 'kuik-0', registries: ['docker.io'], staying: 41, undecided: 2 },
  moving: [
    {
      ...workload('ReplicaSet', 'cart-7d9f', 12),
      images: [
        {
          ...{ container: 'app', now: 'docker.io/library/redis:7.2' },
          afterwards: 'mirror.example.com/library/redis:7.2',
          by: 'ClusterImageSetMirror/all-to-mirror',
          message: 'It is the first that answers.',
        },
      ],
    },
    {
      ...workload('StatefulSet', 'db', 3),
      images: [
        {
          ...{ container: 'init:migrate', now: 'docker.io/library/postgres:17' },
          afterwards: 'registry.example.com:5000/library/postgres:17',
          ...{
            by: 'ReplicatedImageSet/shop/shop-images',
            message: 'It is the first that answers.',
          },
        },
      ],
    },
  ],
  stranded: [
    {
      ...workload('DaemonSet', 'agent', 40),
      images: [
        {
          ...{ container: 'agent', now: 'docker.io/vendor/agent:3.1' },
          message: 'No candidate is available: docker.io/vendor/agent:3.1 was set aside.',
        },
      ],
    },
  ],
};

/** `/debug/pods`. */
export const madeUpPods: PodPage = {
  pods: Array.from({ length: 8 }, (_, index) => ({
    ...{ namespace: 'shop', name: `cart-7d9f-${index}`, images: [] },
  })),
  ...{ total: 214, next: 'shop/cart-7d9f-7' },
};

/** All of them, by path. */
export const madeUpAnswers = {
  '/debug/overview': madeUpOverview,
  '/debug/map': madeUpMap,
  '/debug/decisions': madeUpDecisions,
  '/debug/timeline': madeUpTimeline,
  '/debug/what-if': madeUpWhatIf,
  '/debug/pods': madeUpPods,
} as const;
