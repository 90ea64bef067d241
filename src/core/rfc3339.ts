const dayMs = 86_400_000;
/** The last moment that four digits of a year can say. */
const wallMsMax = 253_402_300_799_999;
const shape =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/**
 * A wall time in ms as statuses write it: RFC 3339 in UTC with whole seconds, rounded down. By
 * arithmetic, since `core` has no clock of its own.
 */
export function formatTime(wallMs: number): string {
  const bounded = Math.min(Math.max(wallMs, 0), wallMsMax);
  const days = Math.floor(bounded / dayMs);
  const seconds = Math.floor((bounded - days * dayMs) / 1_000);
  const { year, month, day } = civilOf(days);
  const date = `${pad(year, 4)}-${pad(month)}-${pad(day)}`;
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  return `${date}T${pad(hours)}:${pad(minutes)}:${pad(seconds % 60)}Z`;
}

/** The wall time in ms that an RFC 3339 text says, in any zone; undefined where it is none. */
export function parseTime(text: unknown): number | undefined {
  const found = typeof text === 'string' ? shape.exec(text) : null;
  if (found === null) return undefined;
  const [
    ,
    year,
    month,
    day,
    hours,
    minutes,
    seconds,
    fraction = '0',
    sign,
    zoneHours,
    zoneMinutes,
  ] = found;
  const days = daysOf({ year: Number(year), month: Number(month), day: Number(day) });
  if (days === undefined || Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const zone = (Number(zoneHours ?? 0) * 60 + Number(zoneMinutes ?? 0)) * (sign === '-' ? -1 : 1);
  const wallSeconds = Number(hours) * 3_600 + (Number(minutes) - zone) * 60 + Number(seconds);
  return days * dayMs + wallSeconds * 1_000 + Math.floor(Number(`0.${fraction}`) * 1_000);
}

function pad(value: number, digits = 2): string {
  return String(value).padStart(digits, '0');
}

interface CivilDate {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** Days in 400 years, after which the Gregorian calendar repeats itself. */
const eraDays = 146_097;
/** From 1 March of year 0, where the count of eras begins, to 1 January 1970. */
const epochDays = 719_468;

/** Years that begin in March: the day that leap years add is then the last of its year. */
function civilOf(days: number): CivilDate {
  const shifted = days + epochDays;
  const era = Math.floor(shifted / eraDays);
  const dayOfEra = shifted - era * eraDays;
  const leaps =
    Math.floor(dayOfEra / 1_460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const dayOfYear = dayOfEra - daysBefore(yearOfEra);
  const march = Math.floor((5 * dayOfYear + 2) / 153);
  const month = march < 10 ? march + 3 : march - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * march + 2) / 5) + 1,
  };
}

function daysOf({ year, month, day }: CivilDate): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const march = month > 2 ? month - 3 : month + 9;
  const dayOfYear = Math.floor((153 * march + 2) / 5) + day - 1;
  return era * eraDays + daysBefore(marchYear - era * 400) + dayOfYear - epochDays;
}

function daysBefore(yearOfEra: number): number {
  return yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
}
