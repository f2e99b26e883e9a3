import { ATTRIBUTE_FORMS as FORMS } from '@causeway/runtime/bus/envelope';

/** The attributes of an event as a source writes them in JSON, after they were checked. */
export type Attributes = {
  id: string;
  source: string;
  type: string;
  time: string;
  subject?: string;
  /** `<scheme>:<id>` of the source's own number of the person: the gateway makes the subject of it. */
  localid?: string;
  recordedtime?: string;
  sequence?: string;
  dataclassification?: string;
  handling?: string;
  exclude?: string;
  priority?: string;
  actby?: string;
  correlationid?: string;
  inresponseto?: string;
  corrects?: string;
  replay?: boolean;
  traceparent?: string;
};

export type Fault = { path: string; problem: string };

/** `list`: one or more of the form, separated by spaces. */
type Rule = { form: RegExp; says: string; required?: true; list?: true };

const TIME_SAYS = 'must be a date and time with offset, RFC 3339';

/** Every attribute that a source may write. The text is shown to the caller. */
export const RULES: Readonly<Record<string, Rule>> = {
  specversion: { form: /^1\.0$/, says: 'must be 1.0', required: true },
  id: { form: FORMS.id, says: 'must be 16 to 64 letters, digits, - and _', required: true },
  source: { form: FORMS.source, says: 'must be /<organisation>/<system>', required: true },
  type: { form: FORMS.type, says: 'must be uk.causeway.<domain>.<fact>.v<N>', required: true },
  time: { form: FORMS.time, says: TIME_SAYS, required: true },
  datacontenttype: { form: /^application\/json(;.*)?$/, says: 'must be application/json' },
  subject: { form: FORMS.token, says: "must be the 22 characters of the source's own token of the person" },
  localid: {
    form: /^[a-z0-9][a-z0-9-]{0,39}:[^\p{C}]{1,100}$/u,
    says: "must be <scheme>:<the source's own number of the person>",
  },
  recordedtime: { form: FORMS.time, says: TIME_SAYS },
  sequence: { form: FORMS.code, says: 'must be at most 64 letters, digits and . _ : -' },
  dataclassification: {
    form: /^(OFFICIAL|OFFICIAL-SENSITIVE)$/,
    says: 'must be OFFICIAL or OFFICIAL-SENSITIVE; anything above must not be sent here',
  },
  handling: { form: FORMS.handling, list: true, says: 'must be codes of the list, separated by spaces' },
  exclude: {
    form: FORMS.organisation,
    list: true,
    says: 'must be organisations separated by spaces, or all',
  },
  priority: {
    form: /^(immediate|urgent|same-day|routine)$/,
    says: 'must be immediate, urgent, same-day or routine',
  },
  actby: { form: FORMS.time, says: TIME_SAYS },
  correlationid: { form: FORMS.reference, says: 'must be at most 200 letters, digits and . _ : / -' },
  inresponseto: { form: FORMS.response, says: 'must be /<organisation>/<event id>' },
  corrects: { form: FORMS.id, says: 'must be the id of an event' },
  traceparent: { form: FORMS.trace, says: 'must be a W3C trace context' },
};

const MAX_FAULTS = 50;
const MAX_LIST = 50;

const fits = (value: unknown, { form, list }: Rule): boolean => {
  if (typeof value !== 'string') return false;
  const items = list ? value.split(' ') : [value];
  return items.length <= MAX_LIST && items.every((item) => form.test(item));
};

/** Checks everything but the data. Every fault is named by the attribute, never by its value. */
export const checkAttributes = (
  event: Readonly<Record<string, unknown>>,
  binary: boolean,
): { attributes: Attributes } | { faults: Fault[] } => {
  const faults: Fault[] = [];
  for (const [name, value] of Object.entries(event)) {
    if (name === 'data' || name === 'replay') continue;
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
    if (rule === undefined)
      faults.push({ path: shown(name), problem: 'is not an attribute of this service' });
    else if (!fits(value, rule)) faults.push({ path: name, problem: rule.says });
  }
  for (const [name, { required }] of Object.entries(RULES))
    if (required && !Object.hasOwn(event, name)) faults.push({ path: name, problem: 'is missing' });
  if (!Object.hasOwn(event, 'data')) faults.push({ path: 'data', problem: 'is missing' });
  if (!REPLAY.includes(event.replay)) faults.push({ path: 'replay', problem: 'must be true or false' });
  if (!Object.hasOwn(event, 'subject') && !Object.hasOwn(event, 'localid'))
    faults.push({
      path: 'subject',
      problem: 'is missing: give subject, or localid to have the subject made',
    });
  if (binary && Object.hasOwn(event, 'localid'))
    faults.push({
      path: 'localid',
      problem: 'must not be sent in a header, because headers are logged: send structured JSON',
    });
  if (faults.length > 0) return { faults: faults.slice(0, MAX_FAULTS) };
  const { data: _, replay, ...rest } = event;
  return { attributes: { ...rest, replay: replay === true || replay === 'true' } as unknown as Attributes };
};

const REPLAY: unknown[] = [undefined, true, false, 'true', 'false'];

/** The name of an unknown attribute is the caller's text: short and plain, or not at all. */
const shown = (name: string): string => (/^[a-z0-9]{1,40}$/.test(name) ? name : '(another attribute)');
