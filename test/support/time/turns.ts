/** Until what was promised, and what that leads to, has come about. */
export async function turns(count = 8): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
