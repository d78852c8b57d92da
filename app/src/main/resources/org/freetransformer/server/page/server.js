// What the server offers, as functions. Everything that it refuses becomes a Refusal, and a server
// that does not answer an Unreachable.

/** The server's answer to input that is not allowed. */
export class Refusal extends Error {
  constructor(message, field) {
    super(message);
    this.field = field;
  }
}

/** No answer, or one that broke off. */
export class Unreachable extends Error {}

export const model = () => send('/api/model').then(read);

export const encode = (text, signal) => post('/api/encode', {text}, signal).then(read);

/** Whether the server is there. */
export const isThere = () =>
  fetch('/health', {cache: 'no-store'}).then(
    (answer) => answer.ok,
    () => false,
  );

/**
 * Writes samples; yields {event, data} for each event of the stream: prompt, token…, done.
 *
 * @param signal ends it, here and on the server
 */
export async function* generate(request, signal) {
  const answer = await post('/api/generate', {...request, stream: true}, signal);
  if (!answer.ok) {
    await read(answer);
  }
  let ended = false;
  for await (const event of events(answer.body)) {
    if (event.event === 'error') {
      throw refusal(event.data);
    }
    ended ||= event.event === 'done';
    yield event;
  }
  if (!ended) {
    throw new Unreachable('the answer broke off');
  }
}

const post = (path, body, signal) =>
  send(path, {
    method: 'POST',
    headers: {'Content-Type': 'application/json'},
    body: JSON.stringify(body),
    signal,
  });

async function send(path, options) {
  try {
    return await fetch(path, {cache: 'no-store', ...options});
  } catch (failure) {
    throw gone(failure);
  }
}

async function read(answer) {
  let object;
  try {
    object = await answer.json();
  } catch (failure) {
    if (answer.ok) {
      throw gone(failure);
    }
    object = {};
  }
  if (!answer.ok) {
    throw refusal(object, answer.status);
  }
  return object;
}

const refusal = ({error} = {}, status) =>
  new Refusal(error?.message ?? `the server answers with status ${status}`, error?.field);

const gone = (failure) =>
  failure.name === 'AbortError' ? failure : new Unreachable(failure.message);

/** The events of a text/event-stream. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  try {
    while (true) {
      const {value, done} = await reader.read().catch((failure) => {
        throw gone(failure);
      });
      if (done) {
        return;
      }
      const blocks = (rest + value).split('\n\n');
      rest = blocks.pop();
      yield* blocks.map(event).filter((found) => found.data !== undefined);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

function event(block) {
  const found = {event: 'message', data: undefined};
  for (const line of block.split('\n')) {
    const [, key, value] = /^([a-z]*): ?(.*)$/.exec(line) ?? [];
    if (key === 'event') {
      found.event = value;
    } else if (key === 'data') {
      found.data = JSON.parse(value);
    }
  }
  return found;
}
