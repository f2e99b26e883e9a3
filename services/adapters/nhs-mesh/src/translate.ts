/**
 * The heart of the adapter: the notifications in a message of the national mailbox to facts. Pure, and it never throws for what a
 * message holds.
 */
import { bundlesOf } from './bundle.ts';
import { readDocument } from './document.ts';
import { readSignal, signalsOf, translateSignal } from './mns.ts';
import { translateBundle } from './nems.ts';
import type { NotificationOutcome, Translation } from './notification.ts';
import { Unreadable } from './tree.ts';

/** One outcome for each notification, at least one. */
export const translate = (body: Buffer, translation: Translation): NotificationOutcome[] => {
  try {
    const document = readDocument(body);
    if (document.kind === 'json' && document.objects.length > 0)
      return document.objects.map((object) => translateSignal(readSignal(object), translation));
    if (document.kind === 'fhir') {
      const bundles = bundlesOf(document.root);
      if (bundles.length > 0) return bundles.map((bundle) => translateBundle(bundle, translation));
      const signals = signalsOf(document.root);
      if (signals.length > 0) return signals.map((signal) => translateSignal(signal, translation));
    }
    return [{ kind: 'undecodable', reason: 'not-a-notification' }];
  } catch (error) {
    if (error instanceof Unreadable) return [{ kind: 'undecodable', reason: error.reason }];
    throw error;
  }
};
