import { html, render } from './preact.js';
import { Shell } from './shell.js';

const root = document.getElementById('root');
if (root === null) throw new Error('Expected an element with the id root.');
render(html`<${Shell} />`, root);
