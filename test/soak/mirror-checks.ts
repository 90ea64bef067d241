import type { ImageSetMirrorStatus } from '#api/image-set-mirror-status.ts';
import { pullImage, tagsOf } from '#test/support/registries/pulled-image.ts';
import { registryRequest } from '#test/support/registries/registry-request.ts';
import { type MirroringStage, resourcePaths, type SoakRegistry } from './mirroring-stage.ts';

/** One tag on a target. */
export interface TaggedCopy {
  readonly target: SoakRegistry;
  readonly repository: string;
  readonly tag: string;
}

/** As the statuses and a Pod write it. */
export function nameOf({ target, repository, tag }: TaggedCopy): string {
  return `${target.front.host}/${repository}:${tag}`;
}

/** Repositories of a target at most; far more than there are images. */
const repositoriesMax = 1_000;

/** All tags on all targets. */
export async function taggedCopies({ targets }: MirroringStage): Promise<readonly TaggedCopy[]> {
  const found: TaggedCopy[] = [];
  for (const target of targets) {
    const path = `/v2/_catalog?n=${repositoriesMax}`;
    const { body } = await registryRequest(target.real, { path });
    const { repositories } = JSON.parse(String(body)) as { readonly repositories: string[] };
    for (const repository of repositories) {
      const tags = await tagsOf(target.real, repository);
      found.push(...tags.map((tag) => ({ target, repository, tag })));
    }
  }
  return found;
}

/** What all resources say of themselves. */
export async function readStatuses({
  plane: { admin },
  namespaces,
}: MirroringStage): Promise<readonly ImageSetMirrorStatus[]> {
  const paths = [resourcePaths.cluster, ...namespaces.map(resourcePaths.namespaced)];
  return await Promise.all(
    paths.map(async (path) => (await admin.get(path)).status ?? ({} as ImageSetMirrorStatus)),
  );
}

/** Copies as the statuses list them: name → state. */
export async function listedCopies(stage: MirroringStage): Promise<ReadonlyMap<string, string>> {
  const statuses = await readStatuses(stage);
  const copies = statuses
    .flatMap(({ matchingImages = [] }) => matchingImages)
    .flatMap(({ mirrors = [] }) => mirrors);
  return new Map(copies.map(({ image, state }) => [image, state ?? '']));
}

/** Tags that no status knows: read first, and still there when the statuses have been read. */
export async function unknownTags(stage: MirroringStage): Promise<readonly string[]> {
  const tagged = await taggedCopies(stage);
  const listed = await listedCopies(stage);
  const unknown: string[] = [];
  for (const copy of tagged.filter((one) => !listed.has(nameOf(one)))) {
    const { target, repository, tag } = copy;
    if ((await tagsOf(target.real, repository)).includes(tag)) unknown.push(nameOf(copy));
  }
  return unknown;
}

/** Those of some copies whose bytes are not what their digests say; one that goes meanwhile is none. */
export async function unsoundCopies(copies: readonly TaggedCopy[]): Promise<readonly string[]> {
  const unsound: string[] = [];
  for (const copy of copies) {
    const { target, repository, tag } = copy;
    const problems = (await pullImage(target.real, repository, tag))?.problems ?? [];
    if (problems.length > 0 && (await pullImage(target.real, repository, tag)) !== undefined) {
      unsound.push(`${nameOf(copy)}: ${problems.join(', ')}`);
    }
  }
  return unsound;
}

/** Copies that Pods run from and that are not there. */
export async function copiesMissed(stage: MirroringStage): Promise<readonly string[]> {
  const { admin } = stage.plane;
  const hosts = new Map(stage.targets.map((target) => [target.front.host, target]));
  const missed = new Set<string>();
  for (const namespace of stage.namespaces) {
    const { items } = (await admin.get(`/api/v1/namespaces/${namespace}/pods`)) as PodList;
    for (const { image } of items.flatMap(({ spec }) => spec.containers)) {
      const [, host = '', path = '', tag = ''] = /^([^/]+)\/(.+):([^:/]+)$/.exec(image) ?? [];
      const target = hosts.get(host);
      if (target === undefined) continue;
      if (!(await tagsOf(target.real, path)).includes(tag)) missed.add(image);
    }
  }
  return [...missed];
}

interface PodList {
  readonly items: readonly {
    readonly spec: { readonly containers: readonly { readonly image: string }[] };
  }[];
}
