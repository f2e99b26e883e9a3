/** Whether where a person is must not leave the trust. */
import { component, DELETED, type Message, repetitions, segment, value } from '../hl7/parser.ts';

/**
 * `yes` and `no`: the feed says so. `unclear`: something that may be the mark stands where the layout is not known; the place of the person
 * stays out of the event, and nothing is said about the person.
 */
export type Shielding = 'yes' | 'no' | 'unclear' | 'not-said';

const YES = /^(Y|YES|TRUE|T|R|S|RESTRICTED|SENSITIVE|SHIELDED|CONFIDENTIAL)$/i;
const NO = /^(N|NO|FALSE|F|0|NOT SHIELDED|NORMAL)$/i;
const ADDRESS_TYPES = /^(SHIELDED|RESTRICTED|SENSITIVE|CONFIDENTIAL|CONF|REFUGE)$/i;

/** Where a mark may stand: a segment and a field, such as `ZU8-3`. */
const inField = (message: Message, name: string, field: number): Shielding => {
  const found = value(message, segment(message, name), field);
  if (found === undefined) return 'not-said';
  if (found === DELETED || NO.test(found)) return 'no';
  return YES.test(found) ? 'yes' : 'unclear';
};

const hasContent = (message: Message, name: string): boolean =>
  message.segments.some(
    (one) => one.name === name && one.fields.slice(1).some((field) => !/^("")?$/.test(field)),
  );

const inAddresses = (message: Message): Shielding => {
  const types = repetitions(message, segment(message, 'PID'), 11).map((raw) => component(message, raw, 7));
  return types.some((type) => typeof type === 'string' && ADDRESS_TYPES.test(type)) ? 'yes' : 'not-said';
};

/**
 * Reads the mark of the configured field (ITK: ZU8-3), the protection indicator (PD1-12, `R` or `S` as in the Personal Demographics
 * Service) and the types of the addresses. Where ZU8 has content and its layout is another one, it is unclear.
 */
export const shieldingOf = (message: Message, mark: { segment: string; field: number }): Shielding => {
  const marked = inField(message, mark.segment, mark.field);
  const found = [marked, inField(message, 'PD1', 12), inAddresses(message)];
  if (found.includes('yes')) return 'yes';
  if (found.includes('unclear')) return 'unclear';
  if (marked === 'not-said' && hasContent(message, 'ZU8')) return 'unclear';
  return marked;
};

/** `ZU8-3` as segment and field; undefined for another form. */
export const parseMark = (text: string): { segment: string; field: number } | undefined => {
  const found = /^([A-Z][A-Z0-9]{2})-([1-9]\d?)$/.exec(text);
  return found?.[1] && found[2] ? { segment: found[1], field: Number(found[2]) } : undefined;
};
