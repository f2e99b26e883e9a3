import { runService } from '@causeway/runtime/service/service';
import { settings, startExchange } from './exchange.ts';

await runService('exchange', settings, startExchange);
