/** Whether a namespace is there; true where the API server does not say. */
export type NamespaceExists = (name: string) => Promise<boolean>;

/** What is said to whoever asks about a namespace that is not there. */
export function noNamespace(name: string): string {
  return `expected a namespace that exists, got ${JSON.stringify(name.slice(0, 100))}`;
}
