// Runs before the first paint so that a dark theme never flashes white. The page keeps the choice in `marain.theme`.
(function () {
  var choice = null;
  try {
    choice = localStorage.getItem('marain.theme');
  } catch (unavailable) {
    // Storage can be switched off; the system's theme is used then.
  }
  var dark = choice === 'dark' || (choice !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
