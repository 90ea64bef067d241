// Runs before anything is painted, so that a dark page never flashes white; no module, since those
// run after.
try {
  const chosen = localStorage.getItem('kuik-theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden: the system's theme is right then.
}
