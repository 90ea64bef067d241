import { type Finding, failed, ok, warning } from './finding.ts';

const dayMs = 86_400_000;
/** The operator renews its own long before. */
const certificateDaysMin = 7;

/** Until when the certificate is good that a replica serves; `text` is its `/metrics`. */
export function certificateFindings(text: string, nowMs: number): readonly Finding[] {
  const said = /^kube_image_keeper_certificate_expiry_timestamp_seconds (\S+)$/m.exec(text)?.[1];
  if (said === undefined) return [failed('certificate', 'the replica serves none')];
  const untilMs = Number(said) * 1_000;
  const until = new Date(untilMs).toISOString().slice(0, 10);
  if (untilMs < nowMs) return [failed('certificate', `ended on ${until}`)];
  if (untilMs < nowMs + certificateDaysMin * dayMs) {
    return [warning('certificate', `ends on ${until}: who renews it?`)];
  }
  return [ok('certificate', `is good until ${until}`)];
}

/** Which registries do not answer a replica; `text` is its `/metrics`. */
export function registryFindings(text: string): readonly Finding[] {
  const told = text.matchAll(
    /^kube_image_keeper_registry_health\{registry="([^"]*)",state="([^"]*)"\} 1$/gm,
  );
  const states = [...told].map(([, registry = '', state = '']) => ({ registry, state }));
  const away = states.filter(({ state }) => state !== 'Closed');
  if (away.length > 0) {
    return away.map(({ registry, state }) =>
      warning('registries', `${registry} does not answer (its circuit is ${state})`),
    );
  }
  return [ok('registries', `${states.length} were asked, and all answer`)];
}
