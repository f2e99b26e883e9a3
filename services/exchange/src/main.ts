import { runService } from '@causeway/runtime/service';
import { settings, startExchange } from './exchange.ts';

await runService('exchange', settings, startExchange);
