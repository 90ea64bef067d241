import { announce } from '../announce.js';
import { html, useEffect, useState } from '../preact.js';

/** Long enough to be seen. */
const thankMs = 2_500;

/** Copies the address of what is shown: all of it stands in there. */
export function CopyLink() {
  const [said, say] = useState('');
  useEffect(() => {
    if (said === '') return undefined;
    const timer = setTimeout(() => say(''), thankMs);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    const outcome = await copyAddress();
    say(outcome);
    announce(outcome);
  };
  return html`<button type="button" class="copy-link" onClick=${copy}>${said || 'Copy the link'}</button>`;
}

/** Only a secure origin may write to the clipboard; the address bar has the same. */
async function copyAddress() {
  try {
    await navigator.clipboard.writeText(location.href);
    return 'Copied';
  } catch {
    return 'Copy it from the address bar';
  }
}
