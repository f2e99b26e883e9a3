/** The mailboxes that NHS England's sandbox has from the start, all with one password: the defaults of development. */
export const SANDBOX = { mailbox: 'X26ABC1', sender: 'X26ABC2', password: 'password', sharedKey: 'TestKey' };
