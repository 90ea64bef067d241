import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A package of the image, as the lock file pins it. */
export interface ShippedPackage {
  /** `node_modules/fastify`, from the root of the repository. */
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** `sha512-…`. */
  readonly integrity: string;
  /** As its author wrote it: an SPDX expression. */
  readonly license?: string;
  readonly hasInstallScript: boolean;
  /** Paths of the packages that it asks for. */
  readonly dependencies: readonly string[];
}

interface LockedPackage {
  readonly version: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** What the image holds of `node_modules`: the dependencies and theirs, nothing for development. */
export interface ShippedPackages {
  readonly packages: readonly ShippedPackage[];
  /** Paths of those that kuik asks for itself. */
  readonly direct: readonly string[];
}

/** Reads them from a lock file. */
export function shippedPackages(root: string): ShippedPackages {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockedPackage>>;
  };
  const found = new Map<string, ShippedPackage>();
  const direct = requiredBy(lock.packages, '');
  const waiting = [...direct];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    const one = readPackage(lock.packages, path);
    found.set(path, one);
    waiting.push(...one.dependencies);
  }
  const packages = [...found.values()].toSorted((left, right) => (left.path < right.path ? -1 : 1));
  return { packages, direct };
}

function readPackage(
  locked: Readonly<Record<string, LockedPackage>>,
  path: string,
): ShippedPackage {
  const { version = '', integrity, license, hasInstallScript = false } = locked[path] ?? {};
  if (integrity === undefined)
    throw new Error(`Expected the integrity of ${path} in the lock file.`);
  return {
    path,
    name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
    version,
    integrity,
    ...(license !== undefined && { license }),
    hasInstallScript,
    dependencies: requiredBy(locked, path),
  };
}

function requiredBy(
  locked: Readonly<Record<string, LockedPackage>>,
  path: string,
): readonly string[] {
  return Object.keys(locked[path]?.dependencies ?? {}).map((name) => {
    const found = placesAbove(path)
      .map((place) => `${place}node_modules/${name}`)
      .find((candidate) => locked[candidate] !== undefined);
    if (found === undefined) throw new Error(`Expected ${name} for ${path} in the lock file.`);
    return found;
  });
}

/** Where Node looks for what a package asks for: the nearest `node_modules` first. */
function placesAbove(path: string): readonly string[] {
  const names = path.split('/node_modules/');
  const above = names.map((_, index) => `${names.slice(0, index + 1).join('/node_modules/')}/`);
  return path === '' ? [''] : ['', ...above].toReversed();
}
