import type { Agreement } from '@causeway/schemas/agreements/agreement';
import type { AgreementsState } from '@causeway/schemas/agreements/log';

const readable = new WeakMap<AgreementsState, AgreementsState>();

/** The agreements that have the form of one: a malformed record must not stop a page or the process. */
export function readableAgreements(state: AgreementsState): AgreementsState {
  const known = readable.get(state);
  if (known) return known;
  const versions = [...state.versions].filter(([, { record }]) => isReadable(record.agreement));
  const whole = { versions: new Map(versions) };
  readable.set(state, whole);
  return whole;
}

/** As much of the form as pages rely on. */
function isReadable(agreement: Partial<Agreement> | undefined): boolean {
  const { title, from, to, parties, purpose, gateways, valid, recipient, release, contacts } =
    agreement ?? {};
  const texts = [title, from, purpose, valid?.from, valid?.until, valid?.review, recipient?.retention];
  const objects = [parties, release, contacts];
  return (
    texts.every((text) => typeof text === 'string') &&
    [to, gateways].every((list) => Array.isArray(list)) &&
    objects.every((object) => typeof object === 'object' && object !== null)
  );
}
