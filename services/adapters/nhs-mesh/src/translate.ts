/**
 * The heart of the adapter: a message of the national mailbox to facts. Pure, and it never throws for what a message
 * holds.
 */
import { bundleOf } from './bundle.ts';
import { readDocument } from './document.ts';
import { readSignal, signalOf, translateSignal } from './mns.ts';
import { translateBundle } from './nems.ts';
import type { NotificationOutcome, Translation } from './notification.ts';
import { Unreadable } from './tree.ts';

export const translate = (body: Buffer, translation: Translation): NotificationOutcome => {
  try {
    const document = readDocument(body);
    if (document.kind === 'json') return translateSignal(readSignal(document.object), translation);
    const bundle = bundleOf(document.root);
    if (bundle !== undefined) return translateBundle(bundle, translation);
    return translateSignal(signalOf(document.root), translation);
  } catch (error) {
    if (error instanceof Unreadable) return { kind: 'undecodable', reason: error.reason };
    throw error;
  }
};
