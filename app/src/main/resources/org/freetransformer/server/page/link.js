// The page's address holds what is in its forms, so that a view can be shared.

/** What the address asks for: {fields: {name: text}, run: whether to begin at once}. */
export function read() {
  const fields = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const run = 'run' in fields;
  delete fields.run;
  return {fields, run};
}

/** Puts fields in the address; whoever opens it sees the same. */
export function write(fields) {
  const parameters = new URLSearchParams(fields).toString();
  history.replaceState(null, '', `#${parameters}${parameters ? '&' : ''}run`);
}
