import type { PodStory } from './pods.ts';

/** Hosts of the two registries. */
export interface Hosts {
  readonly main: { readonly host: string };
  readonly standby: { readonly host: string };
}

const web = 'shop/web:1.0';
const report = 'tools/report:2.0';
const trial = 'lab/trial:3.0';
const once = 'tools/once:1.0';
const standbyWeb = 'standby/web:1.0';
const mirroredReport = 'mirror/tools/report:2.0';
const mirroredOnce = 'mirror/tools/once:1.0';

/** What each registry holds at first; the copies of the mirror are made by the operator. */
export const images = {
  main: [web, report, trial, once],
  standby: [standbyWeb],
  /** Of which one has a layer that takes a moment to copy. */
  large: report,
  /** Those for which a resource names an alternative. */
  declared: [web, report],
} as const;

const set = 'ClusterReplicatedImageSet/shop';
const mirror = 'ClusterImageSetMirror/tools';

/** The Secret that opens the standby registry; where it lives is the operator's own namespace. */
export const standbySecret = 'standby';

/** The resources as a user would write them, with the path that creates each. */
export function resources(
  { main, standby }: Hosts,
  secretNamespace: string,
): { path: string; object: object }[] {
  const credentialSecret = { name: standbySecret, namespace: secretNamespace };
  const base = '/apis/kuik.enix.io/v1alpha1';
  const apiVersion = 'kuik.enix.io/v1alpha1';
  return [
    {
      path: `${base}/clusterreplicatedimagesets`,
      object: {
        apiVersion,
        kind: 'ClusterReplicatedImageSet',
        metadata: { name: 'shop' },
        spec: {
          upstreams: [
            { registry: main.host, path: '/shop', imageFilter: { include: ['/shop/.+'] } },
            { registry: standby.host, path: '/standby', credentialSecret },
          ],
        },
      },
    },
    {
      path: `${base}/clusterimagesetmirrors`,
      object: {
        apiVersion,
        kind: 'ClusterImageSetMirror',
        metadata: { name: 'tools' },
        spec: {
          imageFilter: { include: [`${main.host}/tools/.+`] },
          mirrors: [{ registry: standby.host, path: '/mirror', credentialSecret }],
          cleanup: { enabled: true, retention: '1s' },
        },
      },
    },
  ];
}

/** The image that somebody deletes; a Pod uses it, and nothing stands in for it. */
export const watched = trial;

/** The resource that watches images, and where it is. */
export function watching({ main }: Hosts): { path: string; objectPath: string; object: object } {
  const path = '/apis/kuik.enix.io/v1alpha1/clusterimagesetavailabilities';
  return {
    path,
    objectPath: `${path}/shop`,
    object: {
      apiVersion: 'kuik.enix.io/v1alpha1',
      kind: 'ClusterImageSetAvailability',
      metadata: { name: 'shop' },
      spec: { imageFilter: { include: [`${main.host}/.+`] } },
    },
  };
}

/** What the resources say, in words. */
export function meaning({ main, standby }: Hosts): readonly (readonly [string, string])[] {
  return [
    ['set', set],
    ['', `${main.host}/shop = ${standby.host}/standby`],
    ['mirror', mirror],
    ['', `what Pods run of ${main.host}/tools is copied to ${standby.host}/mirror`],
  ];
}

/** What the mirror is to have copied, and where its status is. */
export function mirrored({ main, standby }: Hosts) {
  return {
    objectPath: '/apis/kuik.enix.io/v1alpha1/clusterimagesetmirrors/tools',
    images: [report, once].map((name) => `${main.host}/${name}`),
    /** Of a Pod that runs once: nobody uses it after that. */
    once: { name: 'once', image: `${main.host}/${once}`, expected: `${main.host}/${once}` },
    onceCopy: { image: `${standby.host}/${mirroredOnce}`, name: mirroredOnce },
  };
}

/** Pods that stay as they are: their registry has their image. */
export function unchanged({ main }: Hosts, suffix: string): PodStory[] {
  return [web, report].map((name) => {
    const image = `${main.host}/${name}`;
    const stays = 'its registry has it';
    return { name: `${podName(name)}-${suffix}`, image, expected: image, stays };
  });
}

/** The same Pods while the main registry is down, and one that nothing is declared for. */
export function rerouted({ main, standby }: Hosts, suffix: string): PodStory[] {
  const reason = 'OriginalUnreachable';
  const moved = (name: string, target: string, by: string): PodStory => ({
    name: `${podName(name)}-${suffix}`,
    image: `${main.host}/${name}`,
    expected: `${standby.host}/${target}`,
    by,
    reason,
  });
  const alone = `${main.host}/${trial}`;
  return [
    moved(web, standbyWeb, set),
    moved(report, mirroredReport, mirror),
    {
      name: `trial-${suffix}`,
      image: alone,
      expected: alone,
      stays: 'nothing is declared for it, so that it cannot start now',
      isLost: true,
    },
  ];
}

function podName(image: string): string {
  return /([^/]+):/.exec(image)?.[1] ?? image;
}
