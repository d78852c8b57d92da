// The page's two parts, of which one is seen.
import * as details from './details.js';

const tabs = [...document.querySelectorAll('[role=tab]')];

/** Shows a part: "write" or "infer". */
export function show(name) {
  details.hide();
  for (const tab of tabs) {
    const isChosen = partOf(tab) === name;
    tab.setAttribute('aria-selected', String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
    document.getElementById(partOf(tab)).hidden = !isChosen;
  }
}

export const isShown = (name) => !document.getElementById(name).hidden;

for (const tab of tabs) {
  tab.addEventListener('click', () => show(partOf(tab)));
  tab.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      const other = tabs.find((one) => one !== tab);
      show(partOf(other));
      other.focus();
    }
  });
}

function partOf(tab) {
  return tab.getAttribute('aria-controls');
}
