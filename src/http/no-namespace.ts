/** What is said to whoever asks about a namespace that is not there, or whose name can be none. */
export function noNamespace(name: string): string {
  return `expected the name of a namespace, and there is none that is called ${JSON.stringify(name.slice(0, 100))}`;
}
