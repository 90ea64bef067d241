/** An object as JSON or YAML has it, of which nothing more is known. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a value from outside is an object, rather than a list or a scalar. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Own keys only: names come from outside, and one may be called `constructor`. */
export function readOwn<T>(object: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** What a text from outside says; undefined where it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
