// The plans that the encoder infers of a text: positions × bits, with the text along it.
import {Cursor} from './cursor.js';
import * as details from './details.js';
import {bitsText, cellsImage} from './plans.js';
import * as server from './server.js';
import {pieceOf} from './token-text.js';

const form = document.getElementById('inferring');
const field = document.getElementById('text');
const problem = document.getElementById('infer-error');
const result = document.getElementById('inferred');
const summary = document.getElementById('inferred-summary');
const heat = document.getElementById('heat');
const chosen = document.getElementById('inferred-chosen');
const writeOn = document.getElementById('write-on');

export class Inference {
  #bits;
  #actions;
  #answer;
  #columns = [];
  #cursor = new Cursor(heat, this.#columns, (position) => this.#choose(position));
  #highest = 0;
  #asking = new AbortController();

  /** @param actions {begin(text), writeOn(text, plans), gone(failure)} */
  constructor(bits, actions) {
    this.#bits = bits;
    this.#actions = actions;
    heat.setAttribute('aria-label', 'Positions of the text');
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.infer(field.value);
    });
    field.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
        this.infer(field.value);
      }
    });
    writeOn.addEventListener('click', () =>
      actions.writeOn(this.#answer.pieces.join(''), this.#answer.plan),
    );
    heat.addEventListener('pointerover', (event) => this.#follow(event));
    heat.addEventListener('pointermove', (event) => this.#follow(event));
    heat.addEventListener('pointerleave', details.hide);
    new ResizeObserver(() => this.#number()).observe(heat);
  }

  fill(text) {
    field.value = text;
  }

  async infer(text) {
    field.value = text;
    problem.hidden = true;
    field.removeAttribute('aria-invalid');
    this.#actions.begin(text);
    this.#asking.abort();
    this.#asking = new AbortController();
    result.hidden = false;
    summary.textContent = 'Inferring…';
    try {
      this.#draw(await server.encode(text, this.#asking.signal));
    } catch (failure) {
      if (failure.name === 'AbortError') {
        return;
      }
      result.hidden = true;
      writeOn.hidden = true;
      if (!(failure instanceof server.Refusal)) {
        this.#actions.gone(failure);
        return;
      }
      problem.textContent = failure.message;
      problem.hidden = false;
      field.setAttribute('aria-invalid', 'true');
      field.setAttribute('aria-describedby', problem.id);
    }
  }

  #draw(answer) {
    this.#answer = answer;
    this.#highest = Math.max(...answer.kl, 1e-9);
    const drawn = answer.pieces.map((piece, position) => this.#column(piece, position));
    this.#columns.splice(0, Infinity, ...drawn);
    heat.replaceChildren(...drawn);
    chosen.textContent = '';
    const sum = answer.kl.reduce((total, kl) => total + kl, 0);
    summary.textContent =
      `${answer.tokens.length} positions; the plans tell ${nats(sum)} in all, ` +
      `${nats(sum / answer.kl.length)} per position, of at most ${nats(this.#bits * Math.LN2)}.`;
    document.getElementById('kl-scale').textContent =
      `KL of a position, up to ${nats(this.#highest)}`;
    document.getElementById('scale').hidden = false;
    writeOn.hidden = false;
    this.#number();
  }

  #column(piece, position) {
    const column = pieceOf(piece);
    const token = document.createElement('span');
    token.className = 'token';
    token.append(...column.childNodes);
    const cells = document.createElement('span');
    cells.className = 'cells';
    cells.style.setProperty('--cells', cellsImage(this.#answer.bits[position]));
    const kl = document.createElement('span');
    kl.className = 'kl';
    kl.style.setProperty('--share', this.#answer.kl[position] / this.#highest);
    column.className = 'column';
    column.append(token, cells, kl);
    return column;
  }

  /** Writes the bits' numbers before every line of columns. */
  #number() {
    heat.querySelectorAll('.bit-numbers').forEach((numbers) => numbers.remove());
    const tops = new Set(this.#columns.map((column) => column.offsetTop));
    for (const top of tops) {
      const numbers = document.createElement('span');
      numbers.className = 'bit-numbers';
      numbers.setAttribute('aria-hidden', 'true');
      numbers.style.top = `${top}px`;
      numbers.append(
        ...Array.from({length: this.#bits}, (_, bit) => {
          const number = document.createElement('span');
          number.textContent = bit;
          return number;
        }),
      );
      heat.append(numbers);
    }
  }

  #words(position) {
    const {tokens, pieces, plan, kl} = this.#answer;
    return (
      `position ${position} · token ${tokens[position]} ${details.quoted(pieces[position])} · ` +
      `KL ${nats(kl[position])} · likeliest plan ${plan[position]}, ` +
      `bits ${bitsText(plan[position], this.#bits)}`
    );
  }

  #choose(position) {
    this.#cursor.mark(position);
    const shares = this.#answer.bits[position].map((share, bit) => `${bit}: ${share.toFixed(2)}`);
    chosen.textContent = `${this.#words(position)}. P(bit = 1): ${shares.join(', ')}`;
  }

  #follow(event) {
    const position = this.#columns.indexOf(event.target.closest('.column'));
    if (position < 0 || event.pointerType === 'touch') {
      details.hide();
      return;
    }
    const lines = [this.#words(position)];
    if (event.target.className === 'cells') {
      const box = event.target.getBoundingClientRect();
      const at = Math.floor(((event.clientY - box.top) / box.height) * this.#bits);
      const bit = Math.min(Math.max(at, 0), this.#bits - 1);
      lines.unshift(`bit ${bit}: P(bit = 1) = ${this.#answer.bits[position][bit].toFixed(3)}`);
    }
    details.show(this.#columns[position].getBoundingClientRect(), lines);
  }
}

const nats = (value) => `${value.toFixed(value < 0.1 ? 3 : 2)} nats`;
