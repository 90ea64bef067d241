import { parseDuration } from '#core/duration.ts';
import { compilePattern } from '#core/filter/pattern.ts';
import { compileSelector } from '#core/filter/selector.ts';
import { isRegistry, normaliseRegistry } from '#core/image/reference.ts';

/** What is wrong with a text that should have a format; empty where the expectation says it all. */
export function findFormatFault(format: string, text: string): string | undefined {
  return checks[format]?.(text);
}

const checks: Readonly<Record<string, (text: string) => string | undefined>> = {
  'go-duration': (text) => (parseDuration(text).ok ? undefined : ''),
  'go-duration-above-zero': (text) => {
    const parsed = parseDuration(text);
    return parsed.ok && parsed.value > 0 ? undefined : '';
  },
  'registry-host': (text) => (isHost(text) ? undefined : ''),
  'image-pattern': (text) => {
    const compiled = compilePattern(text);
    return compiled.ok ? undefined : compiled.error.message;
  },
  selector: (text) => {
    const compiled = compileSelector(text);
    return compiled.ok ? undefined : compiled.error.message;
  },
};

/** A name that no normalised reference can have as its registry would be a setting of nothing. */
function isHost(text: string): boolean {
  const host = normaliseRegistry(text);
  return isRegistry(host) && (/[.:A-Z]/.test(host) || host === 'localhost');
}
