import { fail, type Result, succeed } from '#core/result.ts';
import type { TransportAnswer } from './exchange.ts';
import type { UploadTarget } from './remote-repository.ts';

/**
 * Where an upload goes on (rule 5 of copying): `Location` against the URL of the request, its query
 * kept. `http:` on the registry's own host is read as `https:`; another host is a target of its own,
 * which gets no Authorization, and is refused by `exchange.ts` where our rules forbid it.
 */
export function resolveLocation(
  answer: Pick<TransportAnswer, 'headers' | 'lead'>,
): Result<UploadTarget, string> {
  const { url: base, from } = answer.lead;
  const location = [answer.headers['location'] ?? []].flat()[0];
  const url = location === undefined ? null : URL.parse(location, base.href);
  if (url === null) return fail('expected a Location to upload to, got none');
  if (url.protocol === 'http:' && base.protocol === 'https:' && url.host === base.host) {
    url.protocol = 'https:';
  }
  if (url.origin === base.origin) {
    return succeed({ kind: 'own', path: `${url.pathname}${url.search}` });
  }
  return succeed({ kind: 'elsewhere', lead: { url, from } });
}

/** The same with one more query parameter, whatever its query is. */
export function withQuery(target: UploadTarget, name: string, value: string): UploadTarget {
  const added = `${name}=${encodeURIComponent(value)}`;
  if (target.kind === 'own') {
    const sign = target.path.includes('?') ? '&' : '?';
    return { kind: 'own', path: `${target.path}${sign}${added}` };
  }
  const url = new URL(target.lead.url);
  url.search = url.search === '' ? added : `${url.search}&${added}`;
  return { kind: 'elsewhere', lead: { ...target.lead, url } };
}
