import { parseReference } from '#core/image/reference.ts';
import { registryHost } from '#core/image/registry-host.ts';
import { isFinished } from '#core/pod.ts';
import { forEachInTurns } from '#telemetry/in-turns.ts';

/** A Pod as it is counted. */
interface CountedPod {
  readonly phase: string;
  /** Container → image as now written; Pods that are alike share one. */
  readonly images: Readonly<Record<string, string>>;
}

/** How many Pods run an image from each registry; one that runs several of them counts once. */
export async function podsByRegistry(
  pods: Iterable<CountedPod>,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const known = new Map<CountedPod['images'], readonly string[]>();
  await forEachInTurns(pods, (pod) => {
    if (isFinished(pod)) return;
    const { images } = pod;
    const hosts = known.get(images) ?? registriesOf(images);
    known.set(images, hosts);
    for (const host of hosts) counts.set(host, (counts.get(host) ?? 0) + 1);
  });
  return counts;
}

/** The registries of a Pod's images, each once. */
export function registriesOf(images: Readonly<Record<string, string>>): readonly string[] {
  const hosts = Object.values(images).flatMap((image) => {
    const read = parseReference(image);
    return read.ok ? registryHost(read.value.registry) : [];
  });
  return [...new Set(hosts)];
}
