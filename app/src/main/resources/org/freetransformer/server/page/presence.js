// Whether the server is there: if not, the page says so, and looks for it until it is back.
import {isThere} from './server.js';

const LOOK_EVERY = 3000;
const CHECK_EVERY = 15000;
const GONE =
  'The server does not answer. Is ./ft serve still running? ' +
  'The page looks again every few seconds.';

const banner = document.getElementById('gone');
let looking = false;

/** Shows words at the top of the page; none hides them. */
export function say(words) {
  banner.textContent = words;
  banner.hidden = words === '';
}

/** Says that the server is gone, and calls back once it answers again. */
export function lookForServer(whenBack = () => {}) {
  say(GONE);
  if (looking) {
    return;
  }
  looking = true;
  const timer = setInterval(async () => {
    if (await isThere()) {
      clearInterval(timer);
      looking = false;
      say('');
      whenBack();
    }
  }, LOOK_EVERY);
}

/** Asks from now on, as long as somebody looks, whether the server is there. */
export function watch() {
  setInterval(async () => {
    if (!document.hidden && !looking && !(await isThere())) {
      lookForServer();
    }
  }, CHECK_EVERY);
}
