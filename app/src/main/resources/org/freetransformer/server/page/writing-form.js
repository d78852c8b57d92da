// The form that a request to write is made from.
import {Refusal} from './server.js';

const form = document.getElementById('writing');
const problem = document.getElementById('form-error');
const NUMBERS = [
  'n',
  'max_tokens',
  'temperature',
  'top_k',
  'top_p',
  'min_p',
  'repetition_penalty',
  'seed',
];
/** More samples than the server's default: one alone says little of plans. */
const SAMPLES = 4;

export class WritingForm {
  #model;
  #defaults;
  #pins = new Map();
  #held = null;

  constructor(model) {
    this.#model = model;
    const {plan = {}, ...fields} = model.defaults;
    this.#defaults = Object.fromEntries(NUMBERS.map((name) => [name, String(fields[name])]));
    Object.assign(this.#defaults, {
      prompt: model.tokenizer === 'letters' ? 'K>' : '',
      n: String(Math.min(SAMPLES, model.most_samples)),
      stop: '',
      'plan.seed': '',
      'plan.source': plan.source ?? 'prior',
      'plan.shared': '',
      'plan.pinned': '',
      'plan.replay': '',
    });
    this.#makePins();
    document.getElementById('release').addEventListener('click', () => this.release());
    this.fill({});
  }

  get seed() {
    return Number(control('seed').value);
  }

  /** The seed that plans are drawn with: if none is named, that of tokens. */
  get planSeed() {
    return Number(control('plan.seed').value || control('seed').value);
  }

  /** Sets fields by name, the others to their defaults; returns whether it knows all names. */
  fill(fields) {
    this.clearProblems();
    const unknown = Object.keys(fields).find((name) => !(name in this.#defaults));
    for (const [name, value] of Object.entries({...this.#defaults, ...fields})) {
      this.set(name, value);
    }
    if (unknown) {
      this.show(new Refusal(`The address has “${unknown}”, which this page does not know.`));
    }
    return !unknown;
  }

  set(name, value) {
    if (name === 'plan.pinned') {
      this.#pins.clear();
      const pinned = value.matchAll(/(\d+):([01])/g);
      for (const [, bit, fixed] of pinned) {
        this.#pins.set(Number(bit), Number(fixed));
      }
      this.#showPins();
    } else if (name === 'plan.replay') {
      this.release();
      if (value) {
        this.hold(value.split(',').map(Number), 'of the address');
      }
    } else if (control(name)?.type === 'checkbox') {
      control(name).checked = value !== '';
    } else if (control(name)) {
      control(name).value = value;
    }
  }

  /** The fields that differ from their defaults, and the prompt. */
  fields() {
    const now = {'plan.pinned': [...this.#pins].map((pin) => pin.join(':')).join(',')};
    now['plan.replay'] = this.#held?.plans.join(',') ?? '';
    const fields = {};
    for (const [name, standard] of Object.entries(this.#defaults)) {
      const field = control(name);
      const value =
        now[name] ?? (field.type === 'checkbox' ? (field.checked ? '1' : '') : field.value);
      if (value !== standard || name === 'prompt') {
        fields[name] = value;
      }
    }
    return fields;
  }

  /**
   * The request to the server.
   *
   * @throws Refusal if a field holds no number
   */
  request() {
    const request = {prompt: control('prompt').value};
    for (const name of NUMBERS) {
      request[name] = number(name, Number(this.#defaults[name]));
    }
    const stops = control('stop')
      .value.split('\n')
      .filter((line) => line !== '');
    request.stop = stops.map((line) => line.replaceAll('\\n', '\n'));
    if (this.#model.plan_bits > 0) {
      request.plan = {
        source: control('plan.source').value,
        seed: number('plan.seed', request.seed),
        shared: control('plan.shared').checked,
        replay: this.#held?.plans ?? [],
        pinned: Object.fromEntries(this.#pins),
      };
    }
    return request;
  }

  /**
   * Replays plans from now on. The prompt's are among them, so that nothing of it is inferred.
   *
   * @param words where they come from
   */
  hold(plans, words) {
    this.#held = {plans, words};
    control('plan.source').value = 'prior';
    const places = plans.length === 1 ? '1 position' : `${plans.length} positions`;
    document.getElementById('held').textContent = `Replays the plans of ${places} ${words}.`;
    document.getElementById('plan.replay').hidden = false;
  }

  release() {
    this.#held = null;
    document.getElementById('plan.replay').hidden = true;
  }

  /** Shows what is wrong, beside the field if it is known. */
  show(refusal) {
    const field = fieldOf(refusal.field ?? '');
    const place = field?.closest('.field');
    if (!place) {
      problem.textContent = refusal.message;
      problem.hidden = false;
      return;
    }
    const words = document.createElement('p');
    words.className = 'error';
    words.id = `problem-${field.id}`;
    words.setAttribute('role', 'alert');
    words.textContent = refusal.message;
    place.hidden = false;
    place.append(words);
    field.setAttribute('aria-invalid', 'true');
    field.setAttribute('aria-describedby', words.id);
    const folded = place.closest('details');
    if (folded) {
      folded.open = true;
    }
    field.focus();
  }

  clearProblems() {
    problem.hidden = true;
    form.querySelectorAll('.field .error').forEach((words) => words.remove());
    form.querySelectorAll('[aria-invalid]').forEach((field) => {
      field.removeAttribute('aria-invalid');
      field.removeAttribute('aria-describedby');
    });
  }

  #makePins() {
    const pins = Array.from({length: this.#model.plan_bits}, (_, bit) => {
      const pin = document.createElement('button');
      pin.type = 'button';
      pin.addEventListener('click', () => {
        const next = {undefined: 1, 1: 0}[this.#pins.get(bit)];
        if (next === undefined) {
          this.#pins.delete(bit);
        } else {
          this.#pins.set(bit, next);
        }
        this.#showPins();
      });
      return pin;
    });
    document.getElementById('plan.pinned').replaceChildren(...pins);
  }

  #showPins() {
    [...document.getElementById('plan.pinned').children].forEach((pin, bit) => {
      const fixed = this.#pins.get(bit);
      const number = document.createElement('span');
      number.className = 'number';
      number.textContent = bit;
      pin.replaceChildren(number, String(fixed ?? '–'));
      pin.className = {undefined: '', 0: 'zero', 1: 'one'}[fixed];
      const state = fixed === undefined ? 'not pinned' : `pinned to ${fixed}`;
      pin.setAttribute('aria-label', `Bit ${bit}: ${state}`);
      pin.title = `bit ${bit}: ${state}; each press goes on: 1, 0, not pinned`;
    });
  }
}

const control = (name) => document.getElementById(name);

/** The field of a key, or of the nearest one above it: plan.pinned for plan.pinned.99. */
function fieldOf(key) {
  for (let name = key; name !== ''; name = name.replace(/[.[]?[^.[]*$/, '')) {
    if (control(name)?.closest('#writing .field')) {
      return control(name);
    }
  }
  return undefined;
}

function number(name, standard) {
  const field = control(name);
  if (field.validity.badInput) {
    throw new Refusal('this is not a number', name);
  }
  const value = field.value === '' ? standard : Number(field.value);
  if (/seed$/.test(name) && !Number.isSafeInteger(value)) {
    throw new Refusal('a seed is a whole number, here of at most 9007199254740991', name);
  }
  return value;
}
