import {
  type MonitoredImage,
  type MonitoredStatus,
  monitoredStatuses,
} from '#api/image-set-availability.ts';
import { cutText } from '#core/cut-text.ts';
import { formatReference, parseReference } from '#core/image/reference.ts';
import { formatTime, parseTime } from '#core/rfc3339.ts';
import { lastErrorBytesMax } from '#core/status/status-kind.ts';
import type { TrackedImage } from './tracked-image.ts';

const statuses: ReadonlySet<unknown> = new Set(monitoredStatuses);

/** Whether the last check says that a Pod could not pull the image. */
export function isWrong(status: MonitoredStatus): boolean {
  return status !== 'Available' && status !== 'Scheduled' && status !== 'NodeOnly';
}

/** An image as statuses and overflow write it; the keys are always in this order. */
export function writeMonitoredImage(image: TrackedImage): MonitoredImage {
  const { status, original, unusedSinceMs, lastMonitorMs, lastError } = image;
  return {
    image: image.image,
    status,
    original,
    ...(unusedSinceMs !== undefined && { unusedSince: formatTime(unusedSinceMs) }),
    ...(lastMonitorMs !== undefined && { lastMonitor: formatTime(lastMonitorMs) }),
    ...(lastError !== undefined && { lastError: cutText(lastError, lastErrorBytesMax) }),
  };
}

/**
 * Reads an entry that this version, an older one or kuik v2 wrote: what is missing or makes no sense
 * is as if it had never been known. An entry without a usable image is none.
 */
export function readMonitoredImage(resource: string, entry: unknown): TrackedImage | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { image, status, original, unusedSince, lastMonitor, lastError } = entry as Readonly<
    Partial<Record<keyof MonitoredImage, unknown>>
  >;
  const parsed = typeof image === 'string' ? parseReference(image) : undefined;
  if (parsed?.ok !== true) return undefined;
  const unusedSinceMs = parseTime(unusedSince);
  const known = statuses.has(status);
  // A check whose result nobody understands did not happen.
  const lastMonitorMs = known ? parseTime(lastMonitor) : undefined;
  const hasError = known && typeof lastError === 'string' && lastError !== '';
  return {
    resource,
    image: formatReference(parsed.value),
    registry: parsed.value.registry,
    status: known ? (status as MonitoredStatus) : 'Scheduled',
    // kuik v2 knew only what is written in Pods; the plan says so anew when it has seen them.
    original: original !== false,
    ...(unusedSinceMs !== undefined && { unusedSinceMs }),
    ...(lastMonitorMs !== undefined && { lastMonitorMs }),
    ...(hasError && { lastError: cutText(lastError, lastErrorBytesMax) }),
  };
}
