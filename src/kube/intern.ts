/** Keeps one copy of texts and maps that come again and again, such as labels of one workload. */
export interface Interner {
  readonly texts: Map<string, string>;
  readonly records: Map<string, Readonly<Record<string, string>>>;
}

/** Beyond this the maps start anew: what is kept elsewhere stays, only new twins are told apart. */
const entriesMax = 20_000;

/** What is longer comes once, and must go when its Pod goes. */
const charactersMax = 1_024;

/** Makes an empty interner. */
export function createInterner(): Interner {
  return { texts: new Map(), records: new Map() };
}

/** The one copy of a text. */
export function internText({ texts }: Interner, text: string): string {
  if (text.length > charactersMax) return text;
  const known = texts.get(text);
  if (known !== undefined) return known;
  if (texts.size >= entriesMax) texts.clear();
  texts.set(text, text);
  return text;
}

/** The one copy of a map from text to text; nobody may change it. */
export function internRecord(
  interner: Interner,
  record: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const key = JSON.stringify(record);
  const known = interner.records.get(key);
  if (known !== undefined) return known;
  const kept: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(record)) {
    kept[internText(interner, name)] = internText(interner, value);
  }
  Object.freeze(kept);
  if (key.length > charactersMax) return kept;
  if (interner.records.size >= entriesMax) interner.records.clear();
  interner.records.set(key, kept);
  return kept;
}
