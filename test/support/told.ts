import { admin } from './plane.ts';

/** An event as tests look at it. */
export interface ToldEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly kind: string; readonly name: string; readonly uid?: string };
  readonly series?: { readonly count: number };
}

/** What was told of one object; events of cluster-scoped objects live in `default`. */
export async function eventsOf(uid: string, namespace = 'default'): Promise<readonly ToldEvent[]> {
  const { items } = await admin().get(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`);
  return (items as ToldEvent[]).filter(({ regarding }) => regarding.uid === uid);
}
