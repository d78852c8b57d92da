// Walking through many small elements by keyboard, as through text.

/**
 * Makes an element a list box whose options are walked through with the arrow keys, Home and End.
 * There may be thousands: only the current one has an id, and only the list takes the focus.
 */
export class Cursor {
  #list;
  #items;
  #onMove;
  #current;

  /**
   * @param items the options, in order; may grow
   * @param onMove is given the index of the new current option
   */
  constructor(list, items, onMove) {
    this.#list = list;
    this.#items = items;
    this.#onMove = onMove;
    list.tabIndex = 0;
    list.setAttribute('role', 'listbox');
    list.addEventListener('keydown', (event) => this.#key(event));
    list.addEventListener('click', (event) => this.#click(event));
  }

  /** Marks an option as the current one, or none, without telling. */
  mark(index) {
    if (this.#current) {
      this.#current.removeAttribute('id');
      this.#current.removeAttribute('aria-selected');
    }
    this.#current = this.#items[index];
    if (this.#current) {
      this.#current.id = `${this.#list.id}-current`;
      this.#current.setAttribute('aria-selected', 'true');
      this.#list.setAttribute('aria-activedescendant', this.#current.id);
    } else {
      this.#list.removeAttribute('aria-activedescendant');
    }
  }

  #key(event) {
    const at = this.#items.indexOf(this.#current);
    const next = {
      ArrowLeft: () => at - 1,
      ArrowRight: () => at + 1,
      ArrowUp: () => this.#inLine(at, -1),
      ArrowDown: () => this.#inLine(at, 1),
      Home: () => 0,
      End: () => this.#items.length - 1,
    }[event.key]?.();
    if (next === undefined || event.altKey || event.ctrlKey || event.metaKey) {
      return;
    }
    event.preventDefault();
    if (this.#items[next]) {
      this.#onMove(next);
      this.#items[next].scrollIntoView({block: 'nearest'});
    }
  }

  /** The option above or below, which is in the next line and nearest. */
  #inLine(at, step) {
    const from = this.#items[Math.max(at, 0)].getBoundingClientRect();
    let line;
    let best = -1;
    let least = Infinity;
    for (let i = at + step; this.#items[i]; i += step) {
      const box = this.#items[i].getBoundingClientRect();
      if (Math.abs(box.top - from.top) < box.height / 2) {
        continue;
      }
      line ??= box.top;
      if (Math.abs(box.top - line) > box.height / 2) {
        break;
      }
      if (Math.abs(box.left - from.left) < least) {
        least = Math.abs(box.left - from.left);
        best = i;
      }
    }
    return best;
  }

  #click(event) {
    const option = event.target.closest('[role=option]');
    if (option) {
      this.#onMove(this.#items.indexOf(option));
    }
  }
}
