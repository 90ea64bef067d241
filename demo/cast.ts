import type { PodStory } from './pods.ts';

/** Hosts of the two registries. */
export interface Hosts {
  readonly main: { readonly host: string };
  readonly standby: { readonly host: string };
}

const web = 'shop/web:1.0';
const report = 'tools/report:2.0';
const trial = 'lab/trial:3.0';
const standbyWeb = 'standby/web:1.0';
const mirroredReport = 'mirror/tools/report:2.0';

/** What each registry holds. The mirror's copy is pushed by the demo. */
export const images = {
  main: [web, report, trial],
  standby: [standbyWeb, mirroredReport],
  /** Those for which a resource names an alternative. */
  declared: [web, report],
} as const;

const set = 'ClusterReplicatedImageSet/shop';
const mirror = 'ClusterImageSetMirror/tools';

/** The resources as a user would write them, with the path that creates each. */
export function resources({ main, standby }: Hosts): { path: string; object: object }[] {
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
            { registry: standby.host, path: '/standby' },
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
          mirrors: [{ registry: standby.host, path: '/mirror' }],
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
    ['', `copies of ${main.host}/tools are below ${standby.host}/mirror`],
  ];
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
