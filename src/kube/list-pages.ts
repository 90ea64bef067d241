import { type Result, succeed } from '#core/result.ts';
import { type ApiCall, type KubeClient, objectBytesMax } from './client.ts';
import type { ApiFailure } from './failures.ts';

/** Some objects of a list, and the version of the list as a whole. */
export interface Page<T> {
  /** Absent where something in between has answered, and no API server. */
  readonly version: string | undefined;
  readonly items: readonly T[];
}

/** What is listed. */
export interface Listing extends Pick<ApiCall, 'path' | 'query' | 'accept'> {
  /** Objects asked for at once; fewer where they are large. */
  readonly pageObjects: number;
}

/** To parse so much takes some 30 ms, in which no review is answered. */
const pageBytesMax = 3 * 1024 * 1024;
/** Pages that fit in a row before larger ones are tried: a try that fails costs as much as one page. */
const pagesBeforeGrowth = 8;

interface ListAnswer<T> {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
  /** An empty list of metadata has `null` here. */
  readonly items?: readonly T[] | null;
}

/**
 * Reads a list page by page. A page that is too large is asked for anew with half as many objects,
 * down to one, which may be as large as the API server stores any; the size grows again where the
 * objects are small. The first failure is the last thing told: the list begins anew after it.
 */
export async function* listPages<T>(
  client: Pick<KubeClient, 'call'>,
  { pageObjects, ...listing }: Listing,
  signal: AbortSignal,
): AsyncGenerator<Result<Page<T>, ApiFailure>, void> {
  const ask: AskPage<T> = (limit, token) => {
    const query = { ...listing.query, limit, continue: token };
    const answerBytesMax = limit === 1 ? objectBytesMax : pageBytesMax;
    return client.call({ method: 'GET', ...listing, query, answerBytesMax }, signal);
  };
  let limit = pageObjects;
  let fitting = 0;
  let token: string | undefined;
  do {
    const fitted = await fitPage(ask, { limit, token });
    fitting = fitted.limit < limit ? 1 : fitting + 1;
    const mayGrow = fitting % pagesBeforeGrowth === 0;
    limit = mayGrow ? Math.min(fitted.limit * 2, pageObjects) : fitted.limit;
    const { page } = fitted;
    yield page.ok ? succeed(pageOf(page.value)) : page;
    token = page.ok ? page.value.metadata?.continue || undefined : undefined;
  } while (token !== undefined);
}

type AskPage<T> = (
  limit: number,
  token: string | undefined,
) => Promise<Result<ListAnswer<T>, ApiFailure>>;

/** The page at a token with as many objects as fit, and how many that were allowed to be. */
async function fitPage<T>(
  ask: AskPage<T>,
  from: { readonly limit: number; readonly token: string | undefined },
): Promise<{ readonly page: Result<ListAnswer<T>, ApiFailure>; readonly limit: number }> {
  for (let { limit } = from; ; limit = Math.floor(limit / 2)) {
    const page = await ask(limit, from.token);
    const fits = page.ok || page.error.kind !== 'oversize';
    if (fits || limit === 1) return { page, limit };
  }
}

function pageOf<T>({ metadata, items }: ListAnswer<T>): Page<T> {
  return { version: metadata?.resourceVersion, items: items ?? [] };
}
