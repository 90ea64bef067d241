/** Items of one include or exclude list (behaviour §2). */
export const filterItemsMax = 16;
/** Upstreams of one set (behaviour §2). */
export const upstreamsMax = 32;
/** Mirrors of one resource (behaviour §2). */
export const mirrorsMax = 64;
/** Characters of one regular expression (behaviour §2). */
export const patternCharactersMax = 128;
/** Characters of one selector (behaviour §2). */
export const selectorCharactersMax = 512;
/** Characters of a registry: a DNS name (253), a colon and a port (5). */
export const registryCharactersMax = 259;
/** Characters of a path: a repository path has 255 at most, plus a slash at either end. */
export const pathCharactersMax = 257;
/** Characters of an object's name: a DNS subdomain. */
export const objectNameCharactersMax = 253;
/** Characters of a namespace's name: a DNS label. */
export const namespaceCharactersMax = 63;
/** Characters of a duration: more than Go ever writes; bounds what the rule over it may cost. */
export const durationCharactersMax = 64;
/** What Go's `time.ParseDuration` reads, without the minus sign. */
export const durationPattern = '^[+]?(0|(([0-9]+([.][0-9]*)?|[.][0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$';
/** Largest priority: that of 32 bits, exact in every language; the smallest is one below its negative. */
export const priorityMax = 2_147_483_647;
