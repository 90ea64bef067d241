/** An object or a collection of the API server. */
export interface ResourcePlace {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Lower-case plural. */
  readonly plural: string;
  /** Absent for cluster-scoped objects, and for a collection over all namespaces. */
  readonly namespace?: string;
  /** Absent for a collection. */
  readonly name?: string;
  readonly subresource?: string;
}

/**
 * The path of a place below the server. What a person wrote may be in it: a client sends it only
 * when `isObjectPath` says that there can be such a place.
 */
export function resourcePath(place: ResourcePlace): string {
  const root = place.group === '' ? ['api'] : ['apis', place.group];
  const parts = [
    ...root,
    place.version,
    ...(place.namespace === undefined ? [] : ['namespaces', place.namespace]),
    place.plural,
    ...(place.name === undefined ? [] : [place.name]),
    ...(place.subresource === undefined ? [] : [place.subresource]),
  ];
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

/** A DNS name (RFC 1123) as Kubernetes wants it of objects, and has it itself of all else in a path. */
const segment = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const segmentCharactersMax = 253;

/**
 * Whether a path can lead to an object. A Secret named `.` would be the list of all Secrets, since
 * whoever reads a URL takes dots and slashes for steps, however they are escaped; so names that no
 * object can have are found here, for all callers, before anything is sent.
 */
export function isObjectPath(path: string): boolean {
  const [root, ...segments] = path.split('/');
  return root === '' && segments.length > 0 && segments.every(isSegment);
}

function isSegment(text: string): boolean {
  return text.length <= segmentCharactersMax && segment.test(text);
}
