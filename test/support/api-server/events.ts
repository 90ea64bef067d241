import { admin } from './plane.ts';

/** An event as tests look at it. */
export interface ToldEvent {
  readonly metadata: { readonly name: string };
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string; readonly uid?: string };
  readonly series?: { readonly count: number };
}

/** All that was told in a namespace; of cluster-scoped objects it is told in `default`. */
export async function eventsIn(namespace = 'default'): Promise<readonly ToldEvent[]> {
  const { items } = await admin().get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
  return items;
}

/** What was told of one object. */
export async function eventsOf(uid: string, namespace = 'default'): Promise<readonly ToldEvent[]> {
  return (await eventsIn(namespace)).filter(({ regarding }) => regarding.uid === uid);
}
