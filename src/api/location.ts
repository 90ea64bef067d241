import Type from 'typebox';
import { rules } from './cel.ts';
import { pathCharactersMax, priorityMax, registryCharactersMax } from './limits.ts';

// The host of the reference grammar, written with classes so that no backslash needs escaping in
// CEL: a DNS name in either case or an IPv6 address in brackets, then a port.
const label = '([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const host = `^(${label}([.]${label})*|[[][a-fA-F0-9:]+[]])(:[0-9]{1,5})?$`;

/**
 * A registry's host. One without dot or port is refused, `localhost` aside: in an image reference
 * such a word is a path on Docker Hub (behaviour §3.3).
 */
export function registrySchema(description: string) {
  return Type.String({
    maxLength: registryCharactersMax,
    description,
    ...rules(
      {
        rule: `self.matches('${host}')`,
        message:
          'registry must be a host with an optional port, such as quay.io or ' +
          'registry.example.com:5000: drop the scheme, and write what follows the host in path',
      },
      {
        rule: "self == 'localhost' || self.contains('.') || self.contains(':')",
        message:
          'registry must contain a dot or a port, unless it is localhost: write docker.io for ' +
          'Docker Hub, and the full name or the port of any other (registry:443)',
      },
    ),
  });
}

/** A path on a registry; slashes at either end make no difference. */
export function pathSchema(description: string) {
  return Type.String({ default: '', maxLength: pathCharactersMax, description });
}

/** `spec.priority` of the set and mirror kinds. */
export const priority = Type.Optional(
  Type.Integer({
    default: 0,
    minimum: -priorityMax - 1,
    maximum: priorityMax,
    description:
      'Where the candidates of this resource stand: those of a negative priority come before the ' +
      'original image, all others after it; lower ones come first.',
  }),
);

/** The priority of one entry of a list of upstreams or mirrors. */
export function entryPriority(entry: 'upstream' | 'mirror') {
  return Type.Optional(
    Type.Integer({
      default: 0,
      minimum: 0,
      maximum: priorityMax,
      description:
        `Where this ${entry} stands among those of this resource: 0 first, in the order they are ` +
        'written, then ascending.',
    }),
  );
}
