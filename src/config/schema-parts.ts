import Type, { type Static, type TProperties, type TSchema } from 'typebox';
import { durationPattern } from '#api/limits.ts';
import { DURATION_EXPECTED } from '#core/duration.ts';

/**
 * What a field says of itself. `expected` completes "expected …" where the keywords of the schema
 * do not say it in a person's words; it goes into messages and the document.
 */
export interface FieldOptions {
  readonly description: string;
  readonly expected?: string;
}

/** More of anything than this in one list or mapping is a mistake, not a cluster. */
export const itemsMax = 1_000;

const durationKeywords = {
  anyOf: [
    { type: 'string', pattern: durationPattern, format: 'go-duration' },
    { type: 'integer', const: 0 },
  ],
  expected: DURATION_EXPECTED,
};

/** A mapping with known keys; an unknown one is refused. Left out, it is all defaults. */
export function section<Properties extends TProperties>(
  description: string,
  properties: Properties,
) {
  return Type.Object(properties, { description, default: {}, additionalProperties: false });
}

/** A duration as Go writes it, or a bare 0. */
export function duration(options: FieldOptions & { readonly default?: string }) {
  return Type.Unsafe<string | number>({ ...durationKeywords, ...options });
}

/** A duration in which something has to happen: 0 is refused. */
export function positiveDuration(options: FieldOptions & { readonly default?: string }) {
  return Type.Unsafe<string>({
    type: 'string',
    pattern: durationPattern,
    format: 'go-duration-above-zero',
    expected: 'a duration above 0 as Go writes it, such as 1h30m or 500ms',
    ...options,
  });
}

/** A switch that is off unless told. */
export function flag(description: string) {
  return Type.Boolean({ description, default: false });
}

/** A whole number from 1 up. */
export function count(
  options: FieldOptions & { readonly default?: number; readonly maximum: number },
) {
  return Type.Integer({ minimum: 1, ...options });
}

/** A mapping by registry host with its port, as a normalised reference has it. */
export function byHost<Value extends TSchema>(
  value: Value,
  options: { readonly description: string; readonly default?: object },
) {
  return Type.Unsafe<Record<string, Static<Value>>>({
    type: 'object',
    default: {},
    ...options,
    maxProperties: itemsMax,
    propertyNames: {
      format: 'registry-host',
      expected: 'a registry host, with its port if any, such as quay.io or registry.local:5000',
    },
    additionalProperties: value,
  });
}

/** A list of Kubernetes selectors. */
export function selectors(description: string) {
  const expected = 'a Kubernetes selector such as key=value, !key or key in (a,b)';
  return Type.Array(Type.String({ format: 'selector', expected }), {
    description,
    default: [],
    maxItems: itemsMax,
  });
}

/** A list of patterns over images, as in `imageFilter`. */
export function imagePatterns(description: string) {
  const expected = 'an RE2 pattern over whole normalised references, such as registry.local/.+';
  return Type.Array(Type.String({ format: 'image-pattern', expected }), {
    description,
    default: [],
    maxItems: itemsMax,
  });
}

/** Names a Secret: both parts, since the operator's configuration belongs to no namespace. */
export function secretName(description: string) {
  const part = (what: string) => Type.String({ description: what, minLength: 1, maxLength: 253 });
  return Type.Object(
    { name: part('Name of the Secret.'), namespace: part('Namespace of the Secret.') },
    { description, additionalProperties: false },
  );
}
