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

/** The path of a place below the server; every part is escaped. */
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
