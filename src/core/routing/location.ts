import {
  type ImageReference,
  isRegistry,
  isRepositoryPath,
  normaliseRegistry,
  relocateReference,
} from '#core/image/reference.ts';
import { fail, type Result, succeed } from '#core/result.ts';
import type { FieldProblem } from '#core/spec-problem.ts';

/** A place on a registry under which images lie: an upstream, or the prefix of a mirror. */
export interface Location {
  /** Host with its port; Docker Hub is `docker.io`. */
  readonly registry: string;
  /** Without slashes at either end; empty for a whole registry. */
  readonly path: string;
}

/** Reads registry and path of an entry; `field` is the path of the entry. */
export function readLocation(
  entry: { readonly registry: string; readonly path?: string },
  field: string,
): Result<Location, FieldProblem> {
  const registry = normaliseRegistry(entry.registry);
  // Such a word would be a path on Docker Hub in every candidate (behaviour §3.3).
  const hostLike = registry === 'localhost' || /[.:]/.test(registry);
  if (!hostLike || !isRegistry(registry)) {
    return fail({
      field: `${field}.registry`,
      message: `expected a host with a dot or a port, or localhost, got "${entry.registry}"`,
    });
  }
  const path = (entry.path ?? '').split('/').filter(Boolean).join('/');
  if (path !== '' && !isRepositoryPath(path)) {
    return fail({
      field: `${field}.path`,
      message: `expected a lower-case path as in an image, got "${entry.path}"`,
    });
  }
  return succeed({ registry, path });
}

/**
 * What is left of the image's path below the location, without a leading slash (empty where the
 * image is the location itself); `undefined` where it lies elsewhere. Prefixes match at the borders
 * of segments (behaviour §3.3).
 */
export function pathBelow(location: Location, image: ImageReference): string | undefined {
  if (image.registry !== location.registry) return undefined;
  const { path } = location;
  if (path === '') return image.path;
  if (image.path === path) return '';
  return image.path.startsWith(`${path}/`) ? image.path.slice(path.length + 1) : undefined;
}

/**
 * The image at `rest` below the location, tag and digest kept; `undefined` where that is no image,
 * as when nothing of a path is left.
 */
export function imageBelow(
  location: Location,
  rest: string,
  image: ImageReference,
): ImageReference | undefined {
  const path = [location.path, rest].filter(Boolean).join('/');
  return relocateReference(image, location.registry, path);
}
